// The state of the page: what the gateway sends, and how the visitor wants it shown.

import type { Fleet, Notice, Pulse, Status, Summary } from './facts'
import { Pace } from './pace'

export type Connection = 'connecting' | 'open' | 'lost'
export type Theme = 'auto' | 'light' | 'dark'

export interface Sample {
  at: number
  requests: number
  limited: number
}

// As many requests as the gateway keeps.
const KEPT_REQUESTS = 1_000
const KEPT_NOTICES = 200
// Ten minutes at one status a second.
const KEPT_SAMPLES = 600

export class Live {
  status: Status | null = null
  private fleet: Fleet | null = null
  requests: Summary[] = []
  notices: Notice[] = []
  samples: Sample[] = []
  pace = new Pace()
  connection: Connection = 'connecting'
  // The gateway's clock minus the visitor's, so that countdowns are right on another machine.
  private skew = 0
  private byId = new Map<string, Summary>()
  private listeners = new Set<() => void>()
  private scheduled = false

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  now(): number {
    return Date.now() + this.skew
  }

  connect(): void {
    const source = new EventSource('/events')
    source.onopen = () => this.set('open')
    // The browser connects again by itself.
    source.onerror = () => this.set(this.connection === 'connecting' ? 'connecting' : 'lost')
    source.addEventListener('fleet', (event) => this.takeFleet(JSON.parse(event.data) as Fleet))
    source.addEventListener('pulse', (event) => this.takePulse(JSON.parse(event.data) as Pulse))
    source.addEventListener('requests', (event) => this.takeRequests(JSON.parse(event.data) as Summary[]))
    source.addEventListener('notices', (event) => this.takeNotices(JSON.parse(event.data) as Notice[]))
  }

  private set(connection: Connection): void {
    this.connection = connection
    this.changed()
  }

  // The accounts come first, and again only where something about them has changed.
  private takeFleet(fleet: Fleet): void {
    this.fleet = fleet
  }

  private takePulse(pulse: Pulse): void {
    if (!this.fleet) return
    const now = pulse.now_unix_ms
    this.status = { ...pulse, ...this.fleet }
    this.skew = now - Date.now()
    const { requests = 0, upstream_429: limited = 0 } = pulse.counters
    this.samples = [...this.samples.slice(1 - KEPT_SAMPLES), { at: now, requests, limited }]
    this.pace.note(this.status)
    this.changed()
  }

  private takeRequests(news: Summary[]): void {
    for (const request of news) this.byId.set(request.id, request)
    const all = [...this.byId.values()].sort((a, b) => b.began_unix_ms - a.began_unix_ms || order(b) - order(a))
    for (const old of all.splice(KEPT_REQUESTS)) this.byId.delete(old.id)
    this.requests = all
    this.changed()
  }

  private takeNotices(news: Notice[]): void {
    this.notices = [...news.reverse(), ...this.notices].slice(0, KEPT_NOTICES)
    this.changed()
  }

  // Renders once a frame, however many events come.
  changed(): void {
    if (this.scheduled) return
    this.scheduled = true
    requestAnimationFrame(() => {
      this.scheduled = false
      for (const listener of this.listeners) listener()
    })
  }
}

// The number at the end of a request's id counts up.
function order(request: Summary): number {
  return Number(request.id.slice(request.id.lastIndexOf('-') + 1))
}

// A rate over the last seconds of the samples, for a counter that only grows.
export function rate(samples: Sample[], counter: 'requests' | 'limited', over = 10_000): number {
  const last = samples.at(-1)
  if (!last) return 0
  const first = samples.find((sample) => sample.at >= last.at - over)
  if (!first || first.at === last.at) return 0
  return ((last[counter] - first[counter]) * 1_000) / (last.at - first.at)
}
