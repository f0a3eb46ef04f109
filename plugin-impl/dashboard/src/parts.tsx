// Parts that several pages share.

import type { ComponentChildren } from 'preact'
import { useContext } from 'preact/hooks'
import { createContext } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { clock, masked, percent, span } from './format'
import type { Live, Theme } from './live'
import { WORDS } from './words'
import type { Window } from './facts'

export interface View {
  live: Live
  isMasked: boolean
  theme: Theme
}

export const ViewContext = createContext<View>(null as unknown as View)

// The view, rendered anew with each event and once a second for countdowns.
export function useView(): View {
  const view = useContext(ViewContext)
  const [, render] = useState(0)
  useEffect(() => {
    const again = () => render((count) => count + 1)
    const stop = view.live.subscribe(again)
    const timer = setInterval(again, 1_000)
    return () => {
      stop()
      clearInterval(timer)
    }
  }, [view.live])
  return view
}

export function Name({ id }: { id: string }) {
  const { isMasked } = useContext(ViewContext)
  return <span class="name">{masked(id, isMasked)}</span>
}

const TONES: [RegExp, string][] = [
  [/^(ready|open|ok|good)/, 'good'],
  [/^(probing|protected|in flight|waiting)/, 'busy'],
  [/^limited/, 'limited'],
  [/^disabled/, 'off'],
]

export function State({ state, children }: { state: string; children?: ComponentChildren }) {
  const tone = TONES.find(([pattern]) => pattern.test(state))?.[1] ?? 'bad'
  return (
    <span class={`state ${tone}`}>
      <span class="dot" aria-hidden="true" />
      {state}
      {children}
    </span>
  )
}

// What is left of a window, with its reset as a countdown and a clock, and the age of the reading.
export function WindowBar({ window, now }: { window: Window; now: number }) {
  const left = window.remaining
  const words = WORDS.accounts
  const count =
    window.remaining_count !== null && window.limit !== null
      ? `${window.remaining_count} ${words.of} ${window.limit}`
      : left !== null
        ? percent(left)
        : WORDS.overview.unknown
  const reset = window.reset_unix_ms
  return (
    <div class={window.stale ? 'window stale' : 'window'}>
      <span class="window-name">{window.name}</span>
      <Bar left={left} label={`${window.name}: ${count} ${words.left}`} />
      <span class="window-left">
        {count} {words.left}
      </span>
      <span class="window-reset">
        {window.stale
          ? words.stale
          : [
              reset !== null && reset > now ? words.resetsIn(span(reset - now), clock(reset, now)) : null,
              words.reported(span(now - window.observed_unix_ms)),
            ]
              .filter(Boolean)
              .join(' · ')}
      </span>
    </div>
  )
}

export function Bar({ left, label }: { left: number | null; label: string }) {
  const tone = left === null ? 'unknown' : left <= 0.1 ? 'low' : left <= 0.3 ? 'middle' : 'high'
  return (
    <svg class={`bar ${tone}`} viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label={label}>
      <rect class="track" width="100" height="8" />
      {left !== null && <rect class="fill" width={Math.max(0, Math.min(1, left)) * 100} height="8" />}
    </svg>
  )
}
