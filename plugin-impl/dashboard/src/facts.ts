// The facts that the gateway sends. Instants are milliseconds of the Unix epoch; a remaining quota is a part of 1.

export interface Window {
  name: string
  model: string | null
  limit: number | null
  remaining: number | null
  remaining_count: number | null
  reset_unix_ms: number | null
  observed_unix_ms: number
  stale: boolean
}

export interface Pool {
  name: string
  state: string
  until_unix_ms: number | null
  in_flight: number
  cap: number | null
  trips: number
  served: number
  limited: number
  remaining: number | null
  windows: Window[]
  predicted: { capacity: number | null; used: number; every_ms: number | null }
}

// A closed model, operation or endpoint. A name that is null means all.
export interface Closed {
  operation: string
  pool: string | null
  models: string | null
  endpoint: string | null
  reason: string
  until_unix_ms: number
  quality: string
}

export interface Account {
  id: string
  provider: string
  label: string
  format: string
  state: string
  reason: string
  until_unix_ms: number | null
  in_flight: number
  cap: number | null
  callers: number | null
  pools: Pool[]
  closed: Closed[]
}

export interface Provider {
  name: string
  in_flight: number
  cap: number | null
  closed: Closed[]
}

export interface Fleet {
  providers: Provider[]
  accounts: Account[]
}

export interface Pulse {
  version: string
  now_unix_ms: number
  quiet_mode: boolean
  waiting: number
  counters: Record<string, number>
}

export type Status = Fleet & Pulse

// A request as the list of requests has it.
export interface Summary {
  id: string
  began_unix_ms: number
  ended_unix_ms: number | null
  provider: string
  model: string
  state: string
  status: number | null
  account: string
  attempts: number
  waited_ms: number
  // When an account is expected to open, for a request that waits.
  until_unix_ms: number | null
  agent: string | null
  parent: string | null
  root: string | null
  program: string | null
  subagent: boolean
}

export interface Notice {
  at_unix_ms: number
  text: string
}
