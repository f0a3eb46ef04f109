// Instants and spans as people read them.

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

// The two largest units of a span: `4 h 12 min`.
export function span(ms: number): string {
  const whole = Math.max(0, Math.round(ms / SECOND)) * SECOND
  if (whole < MINUTE) return `${whole / SECOND} s`
  if (whole < HOUR) return two(whole, MINUTE, 'min', SECOND, 's')
  if (whole < DAY) return two(whole, HOUR, 'h', MINUTE, 'min')
  return two(whole, DAY, 'd', HOUR, 'h')
}

function two(ms: number, large: number, largeUnit: string, small: number, smallUnit: string): string {
  const rest = Math.floor((ms % large) / small)
  return `${Math.floor(ms / large)} ${largeUnit}${rest > 0 ? ` ${rest} ${smallUnit}` : ''}`
}

// A short span with milliseconds: `320 ms`, `4.1 s`.
export function took(ms: number): string {
  if (ms < SECOND) return `${Math.round(ms)} ms`
  return ms < MINUTE ? `${(ms / SECOND).toFixed(1)} s` : span(ms)
}

// Hour and minute; with the day where the instant is not within half a day.
export function clock(unixMs: number, now: number): string {
  const date = new Date(unixMs)
  const time = date.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })
  if (Math.abs(unixMs - now) < DAY / 2) return time
  return `${date.toLocaleDateString([], { weekday: 'short', day: 'numeric', month: 'short' })} ${time}`
}

export function seconds(unixMs: number): string {
  return new Date(unixMs).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit' })
}

// A part of 1 in percent. What is left is never rounded up to all nor down to nothing.
export function percent(part: number): string {
  const rounded = Math.round(part * 100)
  if (rounded === 100 && part < 1) return '99 %'
  if (rounded === 0 && part > 0) return '< 1 %'
  return `${rounded} %`
}

// An account's name, with the e-mail masked where asked: `w···@example.com`.
export function masked(label: string, isMasked: boolean): string {
  if (!isMasked) return label
  return label.replace(/([^\s:@])[^\s:@]*@/g, '$1···@')
}
