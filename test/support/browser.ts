/**
 * The browser of the tests of pages: the system's own Chromium, headless.
 */
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import AxeBuilder from '@axe-core/playwright'
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'
import { thisSystem } from '../../src/local/stack/prerequisites.ts'

const programs = ['chromium', 'chromium-browser', 'google-chrome']

/** Undefined where there is none. */
const browserProgram = programs.map(thisSystem(process.env).find).find((path) => path !== undefined)

/** For `skip`: why, or false. */
export const withoutBrowser = browserProgram === undefined ? 'there is no Chromium: apt-get install chromium' : false

export function launchBrowser(): Promise<Browser> {
  assert.ok(browserProgram !== undefined)
  // In a container Chromium has no sandbox of its own and little shared memory.
  return chromium.launch({ executablePath: browserProgram, args: ['--no-sandbox', '--disable-dev-shm-usage'] })
}

export interface Visit {
  page: Page
  /** What the browser complained about: errors, blocked resources, broken policies. */
  complaints: string[]
  close(): Promise<void>
}

export async function visit(browser: Browser, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext(options)
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('requestfailed', (request) => complaints.push(`failed: ${request.url()}`))
  return { page, complaints, close: () => context.close() }
}

/** What keeps people from using a page, as WCAG 2.2 AA has it: the rules that are broken badly, with what breaks them. */
export async function barriers(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page })
    .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
    // Four hundred time zones, each looked at as the one beside it is.
    .exclude('optgroup')
    .analyze()
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, impact, nodes }) => `${id} (${impact}): ${nodes.map(({ html }) => html).join(' ')}`)
}

const screenshotFolder = join(import.meta.dirname, '../../docs/screenshots')

/** Only where SCREENSHOTS=1 asks for them: they are committed, and differ with every font. */
export async function screenshot(page: Page, name: string): Promise<void> {
  if (process.env['SCREENSHOTS'] !== '1') return
  mkdirSync(screenshotFolder, { recursive: true })
  // The whole page at once, so that what sticks to the window's edge lies where the page ends.
  const height = await page.evaluate('document.documentElement.scrollHeight')
  const { width } = page.viewportSize() ?? { width: 900 }
  await page.setViewportSize({ width, height: Number(height) })
  await page.screenshot({ path: join(screenshotFolder, `${name}.png`) })
}
