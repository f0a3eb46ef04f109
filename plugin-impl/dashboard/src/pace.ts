// How fast a pool's headroom goes down, from the readings that came while the page is open.

import type { Pool, Status, Window } from './facts'

export interface Headroom {
  provider: string
  pool: string
  accounts: number
  open: number
  limited: number
  other: number
  // The mean of what is left over the accounts with a reading, or null without any reading.
  left: number | null
  nextReset: number | null
}

// The time over which a pace is taken, and the shortest that tells one.
const OVER = 5 * 60_000
const SHORTEST = 20_000

interface Point {
  at: number
  left: number
}

export class Pace {
  private points = new Map<string, Point[]>()

  note(status: Status): void {
    for (const room of headrooms(status)) {
      if (room.left === null) continue
      const key = `${room.provider}/${room.pool}`
      const known = this.points.get(key) ?? []
      // A rise is a reset: what was before tells nothing of what comes.
      const kept = known.some((point) => point.left < room.left! - 0.001) ? [] : known
      kept.push({ at: status.now_unix_ms, left: room.left })
      while (kept.length > 2 && kept[0]!.at < status.now_unix_ms - OVER) kept.shift()
      this.points.set(key, kept)
    }
  }

  // When the pool is empty at this pace, or null where nothing is used or too little is known.
  emptyAt(room: Headroom): number | null {
    const points = this.points.get(`${room.provider}/${room.pool}`)
    const first = points?.[0]
    const last = points?.at(-1)
    if (!first || !last || last.at - first.at < SHORTEST || first.left <= last.left) return null
    return last.at + (last.left * (last.at - first.at)) / (first.left - last.left)
  }
}

// The windows that count now: a window that is over tells nothing of the next.
export function current(pool: Pool): Window[] {
  return pool.windows.filter((window) => !window.stale)
}

export function headrooms(status: Status): Headroom[] {
  const rooms = new Map<string, Headroom & { known: number[] }>()
  for (const account of status.accounts) {
    for (const pool of account.pools) {
      const key = `${account.provider}/${pool.name}`
      const room = rooms.get(key) ?? empty(account.provider, pool.name)
      rooms.set(key, room)
      room.accounts += 1
      const state = account.state === 'ready' ? kind(pool.state) : 'other'
      room[state] += 1
      // An account that cannot serve has no headroom, whatever its windows say.
      if (state === 'other') room.known.push(0)
      else if (state === 'limited') room.known.push(0)
      else if (pool.remaining !== null) room.known.push(pool.remaining)
      for (const window of current(pool)) {
        const reset = window.reset_unix_ms
        if (reset !== null && reset > status.now_unix_ms && (room.nextReset === null || reset < room.nextReset)) {
          room.nextReset = reset
        }
      }
    }
  }
  return [...rooms.values()].map(({ known, ...room }) => ({
    ...room,
    left: known.length > 0 ? known.reduce((sum, left) => sum + left, 0) / known.length : null,
  }))
}

function empty(provider: string, pool: string): Headroom & { known: number[] } {
  return { provider, pool, accounts: 0, open: 0, limited: 0, other: 0, left: null, nextReset: null, known: [] }
}

function kind(state: string): 'open' | 'limited' | 'other' {
  if (state === 'open' || state === 'probing') return 'open'
  return state.startsWith('limited') || state === 'protected' ? 'limited' : 'other'
}
