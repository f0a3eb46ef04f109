// Opens each page of the dashboard as a person would, and looks for what a person would see.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { chromium } from 'playwright-core'

const base = process.env.POINTSMAN_BASE
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const PAGES = ['overview', 'accounts', 'agents', 'requests', 'setup']
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'],
})

async function open(colorScheme, width, height) {
  // The checker is put into the page, which the page's own policy would not let in.
  const context = await browser.newContext({ viewport: { width, height }, colorScheme, bypassCSP: true })
  const page = await context.newPage()
  const errors = []
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
  page.on('pageerror', (error) => errors.push(String(error)))
  page.on('request', (request) => request.url().startsWith(base) || errors.push(`asked for ${request.url()}`))
  await page.goto(base)
  await page.getByText('Live', { exact: true }).waitFor()
  return { page, errors, close: () => context.close() }
}

async function show(page, name) {
  await page.goto(`${base}/#${name}`)
  await page.locator(`nav a[aria-current][href="#${name}"]`).waitFor()
}

async function findings(page) {
  await page.evaluate(axe)
  const result = await page.evaluate(() => globalThis.axe.run())
  return result.violations
    .filter((violation) => ['serious', 'critical'].includes(violation.impact))
    .map((violation) => `${violation.id}: ${violation.nodes.map((node) => node.html).slice(0, 3).join(' ')}`)
}

for (const scheme of ['light', 'dark']) {
  for (const [width, height] of [[360, 740], [1280, 900], [3840, 2160]]) {
    const { page, errors, close } = await open(scheme, width, height)
    for (const name of PAGES) {
      await show(page, name)
      assert.deepEqual(await findings(page), [], `${name}, ${scheme}, ${width} wide`)
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
      assert.ok(overflow <= 0, `${name} is ${overflow} px wider than a screen of ${width}`)
      await page.screenshot({ path: `${name}-${scheme}-${width}.png` })
    }
    assert.deepEqual(errors, [])
    await close()
  }
}

const { page, errors, close } = await open('light', 1280, 900)
await page.getByText('accounts ready').waitFor()
assert.equal(await page.locator('.room').count(), 2)

await show(page, 'accounts')
const rows = page.locator('tbody tr')
assert.equal(await rows.count(), 4)
await page.getByText('w···@example.com').waitFor()
await page.keyboard.press('m')
await page.getByText('work@example.com').waitFor()
await page.getByText('limited', { exact: true }).waitFor()
await page.locator('.window-reset').first().waitFor()
await page.keyboard.press('/')
await page.keyboard.type('home')
assert.equal(await rows.count(), 1)

await show(page, 'agents')
assert.equal(await page.locator('.root').count(), 2, 'a root session each')
assert.equal(await page.locator('th.child').count(), 12, 'every subagent')

await show(page, 'requests')
const before = await rows.count()
assert.equal(before, 12)
await page.locator('button.link').first().click()
await page.getByText('Plan', { exact: true }).waitFor()
await page.keyboard.press('Escape')
await page.locator('dialog').waitFor({ state: 'detached' })

// A request that comes while the page is open is seen without a reload.
const body = JSON.stringify({ model: 'claude-sonnet-4-6', max_tokens: 8, messages: [{ role: 'user', content: 'hi' }] })
const headers = { 'content-type': 'application/json', 'anthropic-version': '2023-06-01' }
const answer = await fetch(`${base}/v1/messages`, { method: 'POST', headers, body })
assert.equal(answer.status, 200)
await page.waitForFunction((count) => document.querySelectorAll('tbody tr').length === count, before + 1)

await page.keyboard.press('5')
await page.getByText('pointsman run -- claude').waitFor()
await page.keyboard.press('t')
await page.waitForFunction(() => document.documentElement.dataset.theme === 'light')
assert.deepEqual(errors, [])
await close()
await browser.close()
