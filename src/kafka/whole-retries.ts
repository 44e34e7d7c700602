/**
 * Mends kafkajs's retries of a produce request: each of them sends the whole request again.
 *
 * kafkajs remembers by broker who has answered, and leaves those out of the next try. Where leaders moved meanwhile, what
 * was for the broker that failed is now for one that has answered already: it is never sent, and the send resolves all
 * the same (seen: after the kill of one broker of three, statuses and commands that were acknowledged and on no topic).
 * Ours forgets the answers between tries; what was stored twice is absorbed by its identity.
 */

type Attempt<Result> = (bail: (error: Error) => void, retryCount: number, retryTime: number) => Promise<Result>
type Retrier = <Result>(attempt: Attempt<Result>) => Promise<Result>
type Send = (request: object) => Promise<unknown>
/** kafkajs's sendMessages.js; the rest of its options passes through. */
export type SendMessages = (options: { retrier: Retrier }) => Send

export function retryWholeRequests(sendMessages: SendMessages): SendMessages {
  return (options) => (request) =>
    options.retrier((bail, retryCount, retryTime) => {
      // With every try a send of its own, which remembers nobody's answer.
      const sendOnce = sendMessages({ ...options, retrier: once })
      return sendOnce(request)

      /** Refreshes what it knows before it throws, as kafkajs does; to give up is the outer retrier's to hear. */
      function once<Result>(attempt: Attempt<Result>): Promise<Result> {
        return new Promise((resolve, reject) => {
          const giveUp = (error: Error) => {
            bail(error)
            reject(error)
          }
          attempt(giveUp, retryCount, retryTime).then(resolve, reject)
        })
      }
    })
}
