# The one image of all roles and commands: `docker run fanfare router --lane bulk`. There is no build step, since Node runs
# TypeScript as it is; what is built is the set of packages.
#
#   docker build --tag fanfare:0.1.0 .                          # what production runs
#   docker build --target simulator --tag fanfare-simulator .   # with what the provider simulator needs besides
#
# A test compares the Node here with the one of the lockfile, and loads every program from nothing but the copied folders.

FROM node:24.21.0-bookworm-slim AS packages
WORKDIR /fanfare
COPY package.json package-lock.json .npmrc ./
# Neither what develops and tests, nor the Node and the PostgreSQL that are optional packages for a laptop. The list of
# what is inside (CycloneDX) stays in the image; told to omit, `npm sbom` would leave out what both share.
RUN npm ci --omit=dev --omit=optional --no-progress --loglevel=error \
  && npm pkg delete devDependencies optionalDependencies \
  && npm sbom --sbom-format=cyclonedx --loglevel=error > sbom.cdx.json \
  && npm cache clean --force

FROM node:24.21.0-bookworm-slim AS program
ENV NODE_ENV=production NODE_COMPILE_CACHE=/fanfare/compile-cache
WORKDIR /fanfare
COPY --from=packages /fanfare ./
COPY avro avro
COPY topics topics
COPY migrations migrations
COPY examples examples
COPY src src
# Loads every program once: a package or a file that is missing fails here and not in a cluster, and compiled code is kept,
# which halves the start. At run time nothing is written: the file system may be read-only.
RUN ["node", "--input-type=module", "--eval", "await import('./src/kafka/kafkajs.ts'); const { programs } = await import('./src/cli/programs.ts'); for (const { load } of Object.values(programs)) await load()"]
# The image's user `node`, as a number, so that Kubernetes can tell that it is not root.
USER 1000:1000
EXPOSE 8080 8088 9464
# Of a role: whether it lives, as /livez says. A command has no admin port and is over before anybody asks.
HEALTHCHECK --interval=10s --timeout=5s --retries=6 \
  CMD ["node", "--eval", "fetch(`http://127.0.0.1:${process.env.FANFARE_ADMIN_PORT || 9464}/livez`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Node is the first process and takes SIGTERM itself: the first drains and ends, a second ends at once.
ENTRYPOINT ["node", "src/main.ts"]
CMD ["--help"]

# For the demo stack: the simulator makes its certificate with openssl.
FROM program AS simulator
USER 0:0
RUN apt-get update \
  && apt-get install --yes --no-install-recommends openssl \
  && rm -rf /var/lib/apt/lists/* \
  && install --directory --owner=1000 --group=1000 /simulator
USER 1000:1000
HEALTHCHECK --interval=5s --timeout=5s --retries=6 \
  CMD ["node", "--eval", "fetch('http://127.0.0.1:4000/ledger/summary').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["simulator"]

# Last, and so what is built unless a target is named.
FROM program AS fanfare
