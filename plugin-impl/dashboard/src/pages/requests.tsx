import { useEffect, useRef, useState } from 'preact/hooks'
import type { Summary } from '../facts'
import { masked, seconds, took } from '../format'
import { Name, useView } from '../parts'
import { WORDS } from '../words'

const words = WORDS.requests
const SHOWN = 300

export function Requests() {
  const { live, isMasked } = useView()
  const [filter, setFilter] = useState('')
  const [chosen, choose] = useState<string | null>(null)
  const wanted = filter.trim().toLowerCase()
  const found = live.requests.filter((request) => text(request, isMasked).includes(wanted))
  return (
    <>
      <div class="row">
        <input
          type="search"
          class="filter"
          placeholder={words.filter}
          aria-label={words.filter}
          value={filter}
          onInput={(event) => setFilter(event.currentTarget.value)}
        />
        <span class="note">{words.shown(Math.min(found.length, SHOWN), live.requests.length)}</span>
      </div>
      {live.requests.length === 0 && <p>{words.none}</p>}
      <div class="scroll" tabIndex={0} role="region" aria-label={words.caption}>
        <table class="requests">
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
          <tbody>
            {found.slice(0, SHOWN).map((request) => (
              <Row key={request.id} request={request} now={live.now()} choose={choose} />
            ))}
          </tbody>
        </table>
      </div>
      {chosen && <Detail id={chosen} close={() => choose(null)} />}
    </>
  )
}

function text(request: Summary, isMasked: boolean): string {
  const { id, model, provider, account, state, status, root, agent } = request
  return [id, model, provider, masked(account, isMasked), state, status, root, agent].join(' ').toLowerCase()
}

function Row({ request, now, choose }: { request: Summary; now: number; choose: (id: string) => void }) {
  const isBad = request.status === null ? request.ended_unix_ms !== null : request.status >= 400
  return (
    <tr>
      <td>
        <button type="button" class="link" onClick={() => choose(request.id)} aria-label={`${seconds(request.began_unix_ms)} ${words.detail}`}>
          {seconds(request.began_unix_ms)}
        </button>
      </td>
      <td>{request.model}</td>
      <td>
        <Name id={request.account} />
      </td>
      <td class={isBad ? 'bad' : ''}>
        {request.status ?? ''} {request.state}
      </td>
      <td class="number">{request.attempts}</td>
      <td class="number">{request.waited_ms > 0 ? took(request.waited_ms) : '–'}</td>
      <td class="number">
        {request.ended_unix_ms === null
          ? `${words.under} ${took(now - request.began_unix_ms)}`
          : took(request.ended_unix_ms - request.began_unix_ms)}
      </td>
    </tr>
  )
}

type Step = Record<string, unknown> & { step: string; at_unix_ms: number }
type Candidate = Record<string, unknown> & { account: string; pool: string; goes_by?: Record<string, unknown> }

function Detail({ id, close }: { id: string; close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null)
  const [steps, setSteps] = useState<Step[] | null | undefined>(undefined)
  useEffect(() => {
    dialog.current?.showModal()
    fetch(`/explain/${encodeURIComponent(id)}`)
      .then((answer) => (answer.ok ? answer.json() : null))
      .then((explanation: { steps: Step[] } | null) => setSteps(explanation?.steps ?? null))
      .catch(() => setSteps(null))
  }, [id])
  return (
    <dialog ref={dialog} onClose={close} aria-labelledby="detail-title">
      <div class="row">
        <h2 id="detail-title">{id}</h2>
        <button type="button" onClick={close}>
          {words.close}
        </button>
      </div>
      {steps === null && <p>{words.gone}</p>}
      <ol class="steps">{steps?.map((step, index) => <StepOf key={index} step={step} />)}</ol>
    </dialog>
  )
}

function StepOf({ step }: { step: Step }) {
  const title = words.steps[step.step] ?? step.step
  const account = typeof step.account === 'string' ? step.account : null
  return (
    <li>
      <strong>{title}</strong> <time>{seconds(step.at_unix_ms)}</time> {account && <Name id={account} />}
      {step.step === 'plan' && <Candidates candidates={(step.candidates ?? []) as Candidate[]} />}
      {step.step === 'attempt' && <p>{attemptText(step)}</p>}
      {(step.step === 'denied' || step.step === 'judged') && <p>{String(step.why ?? step.text ?? '')}</p>}
      {step.step === 'wait' && typeof step.over_unix_ms === 'number' && <p>{took(step.over_unix_ms - step.at_unix_ms)}</p>}
    </li>
  )
}

function attemptText(step: Step): string {
  const end = step.end as { text?: string; changed?: string | null } | null
  if (!end) return words.under
  return [end.text, end.changed].filter(Boolean).join('; ')
}

function Candidates({ candidates }: { candidates: Candidate[] }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={words.rank}>
      <table>
        <tbody>
          {candidates.map((candidate, index) => (
            <tr key={index}>
              <td class="number">{String(candidate.rank ?? '–')}</td>
              <td>
                <Name id={candidate.account} /> <span class="note">{candidate.pool}</span>
              </td>
              <td>
                {candidate.closed
                  ? `${words.why}: ${String(candidate.reason ?? candidate.closed)}`
                  : Object.entries(candidate.goes_by ?? {})
                      .map(([name, value]) => `${name} ${String(value)}`)
                      .join(', ')}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
