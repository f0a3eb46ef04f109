import type { Summary } from '../facts'
import { span, took } from '../format'
import { Name, useView } from '../parts'
import { WORDS } from '../words'

const words = WORDS.agents

interface Agent {
  key: string
  isSubagent: boolean
  account: string
  requests: number
  onAccount: number
  moves: number
  waited: number
  last: number
}

interface Root {
  key: string
  program: string | null
  agents: Agent[]
  last: number
}

export function Agents() {
  const { live } = useView()
  const roots = tree(live.requests)
  if (roots.length === 0) return <p>{words.none}</p>
  const now = live.now()
  return (
    <>
      <p class="note">{words.note}</p>
      {roots.map((root) => (
        <section key={root.key} class="root" aria-label={`${words.session} ${root.key}`}>
          <h2>
            {root.key === '' ? words.anonymous : `${words.session} ${root.key.slice(0, 6)}`}
            {root.program && <span class="note"> {root.program}</span>}
          </h2>
          <div class="scroll" tabIndex={0} role="region" aria-label={`${words.session} ${root.key}`}>
            <table>
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
                {root.agents.map((agent) => (
                  <tr key={agent.key}>
                    <th scope="row" class={agent.isSubagent ? 'child' : ''}>
                      {agent.isSubagent ? words.subagent : words.main} {agent.key.slice(0, 6)}
                    </th>
                    <td>
                      <Name id={agent.account} />
                    </td>
                    <td class="number">{agent.requests}</td>
                    <td class="number">{Math.round((100 * agent.onAccount) / agent.requests)} %</td>
                    <td class="number">{agent.moves}</td>
                    <td class="number">{agent.waited > 0 ? took(agent.waited) : '–'}</td>
                    <td class="number">{span(now - agent.last)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </section>
      ))}
    </>
  )
}

// The requests by root session and agent. The account of an agent is the account of its last answer.
function tree(requests: Summary[]): Root[] {
  const roots = new Map<string, Map<string, Summary[]>>()
  const parents = new Map(requests.map((request) => [request.agent, request.parent]))
  for (const request of requests) {
    const root = request.root ?? topmost(request, parents)
    const agents = upsert(roots, root, () => new Map<string, Summary[]>())
    upsert(agents, request.agent ?? '', () => [] as Summary[]).push(request)
  }
  const made = [...roots].map(([key, agents]) => {
    const all = [...agents].map(([agent, sent]) => agentOf(agent, sent))
    all.sort((a, b) => Number(a.isSubagent) - Number(b.isSubagent) || a.key.localeCompare(b.key))
    const program = [...agents.values()].flat().find((request) => request.program)?.program ?? null
    return { key, program, agents: all, last: Math.max(...all.map((agent) => agent.last)) }
  })
  return made.sort((a, b) => b.last - a.last)
}

// Follows the parents. An agent that nobody started is a session of its own.
function topmost(request: Summary, parents: Map<string | null, string | null>): string {
  let agent = request.agent
  for (let depth = 0; depth < 32; depth += 1) {
    const parent: string | null = parents.get(agent) ?? null
    if (parent === null) break
    agent = parent
  }
  return agent ?? ''
}

function agentOf(key: string, newestFirst: Summary[]): Agent {
  const served = newestFirst.filter((request) => request.account !== '')
  const account = served[0]?.account ?? ''
  return {
    key,
    isSubagent: newestFirst.some((request) => request.subagent),
    account,
    requests: newestFirst.length,
    onAccount: served.filter((request) => request.account === account).length,
    moves: served.filter((request, index) => index > 0 && request.account !== served[index - 1]!.account).length,
    waited: newestFirst.reduce((sum, request) => sum + request.waited_ms, 0),
    last: newestFirst[0]?.began_unix_ms ?? 0,
  }
}

function upsert<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}
