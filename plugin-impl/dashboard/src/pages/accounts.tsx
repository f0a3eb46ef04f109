import { useState } from 'preact/hooks'
import type { Account, Closed, Pool } from '../facts'
import { masked, span } from '../format'
import { Name, State, WindowBar, useView } from '../parts'
import { WORDS } from '../words'

const words = WORDS.accounts
// More rows than anybody reads at once; the filter finds the others.
const SHOWN = 200

export function Accounts() {
  const { live, isMasked } = useView()
  const [filter, setFilter] = useState('')
  const all = live.status?.accounts ?? []
  const found = all.filter((account) => matches(account, filter, isMasked))
  return (
    <>
      <input
        type="search"
        class="filter"
        placeholder={words.filter}
        aria-label={words.filter}
        value={filter}
        onInput={(event) => setFilter(event.currentTarget.value)}
      />
      <div class="scroll" tabIndex={0} role="region" aria-label={words.caption}>
        <table class="cards">
          <caption class="hidden">{words.caption}</caption>
          <thead>
            <tr>
              {words.columns.map((column) => (
                <th key={column} scope="col">
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>{found.slice(0, SHOWN).flatMap((account) => rows(account, live.now()))}</tbody>
        </table>
      </div>
    </>
  )
}

// What is masked is not found by its hidden part.
function matches(account: Account, filter: string, isMasked: boolean): boolean {
  const text = `${masked(account.id, isMasked)} ${account.state} ${account.pools.map((pool) => pool.state).join(' ')}`
  return text.toLowerCase().includes(filter.trim().toLowerCase())
}

function rows(account: Account, now: number) {
  return account.pools.map((pool, index) => (
    <tr key={`${account.id}/${pool.name}`} class={index === 0 ? 'first' : ''}>
      <th scope="row">
        {index === 0 && <Name id={account.id} />}
        {account.pools.length > 1 && <div class="note">{pool.name}</div>}
        {index === 0 && account.callers !== null && <div class="note">{words.callers(account.callers)}</div>}
      </th>
      <td>
        <PoolState account={account} pool={pool} now={now} />
        {index === 0 && account.closed.map((closed) => <ClosedLine key={name(closed)} closed={closed} now={now} />)}
      </td>
      <td class="windows">
        {pool.windows.length === 0 && <span class="note">{words.noWindows}</span>}
        {pool.windows.map((window) => (
          <WindowBar key={`${window.name}/${window.model ?? ''}`} window={window} now={now} />
        ))}
      </td>
      <td data-name={words.columns[3]} class="number">{pool.cap === null ? pool.in_flight : `${pool.in_flight} / ${pool.cap}`}</td>
      <td data-name={words.columns[4]} class="number">{pool.served}</td>
      <td data-name={words.columns[5]} class="number">{pool.limited}</td>
      <td data-name={words.columns[6]}>{learned(pool)}</td>
    </tr>
  ))
}

function PoolState({ account, pool, now }: { account: Account; pool: Pool; now: number }) {
  const isReady = account.state === 'ready'
  const until = isReady ? pool.until_unix_ms : account.until_unix_ms
  return (
    <>
      <State state={isReady ? pool.state : account.state} />
      {!isReady && account.reason !== '' && <div>{account.reason}</div>}
      {until !== null && until > now && <div class="note">{words.until(span(until - now))}</div>}
    </>
  )
}

function ClosedLine({ closed, now }: { closed: Closed; now: number }) {
  return (
    <div class="closed">
      {name(closed)}: {closed.reason}
      {closed.until_unix_ms > now && `, ${words.until(span(closed.until_unix_ms - now))}`}
    </div>
  )
}

function name(closed: Closed): string {
  const { models, pool, endpoint, operation } = closed
  return [models, pool, endpoint, operation === 'generating' ? null : operation].filter(Boolean).join(' ')
}

function learned(pool: Pool): string {
  const { capacity, every_ms: every } = pool.predicted
  if (capacity === null) return words.nothingLearned
  return every === null ? words.learnedPlain(capacity) : words.learned(capacity, span(every))
}
