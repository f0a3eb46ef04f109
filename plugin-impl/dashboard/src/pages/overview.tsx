import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import { clock, percent, seconds, span } from '../format'
import { type Live, rate, type Theme } from '../live'
import { type Headroom, headrooms } from '../pace'
import { Bar, Name, State, useView } from '../parts'
import { WORDS } from '../words'

const words = WORDS.overview

export function Overview() {
  const { live, theme } = useView()
  const status = live.status
  if (!status) return null
  const ready = status.accounts.filter((account) => account.state === 'ready').length
  const flying = status.accounts.reduce((sum, account) => sum + account.in_flight, 0)
  return (
    <>
      <ul class="tiles">
        <Tile value={`${ready} / ${status.accounts.length}`} label={words.ready} />
        <Tile value={flying} label={words.inFlight} />
        <Tile value={status.waiting} label={words.waiting} />
        <Tile value={rate(live.samples, 'requests').toFixed(1)} label={words.rate} />
        <Tile value={rate(live.samples, 'limited').toFixed(1)} label={words.limited} />
      </ul>
      <section aria-labelledby="headroom">
        <h2 id="headroom">{words.headroom}</h2>
        <p class="note">{words.headroomNote}</p>
        {status.accounts.length === 0 && <p>{words.noAccounts}</p>}
        <div class="rooms">
          {headrooms(status).map((room) => (
            <Room key={`${room.provider}/${room.pool}`} room={room} live={live} />
          ))}
        </div>
      </section>
      <div class="columns">
        <section aria-labelledby="waits">
          <h2 id="waits">{words.waits}</h2>
          <Waits live={live} />
        </section>
        <section aria-labelledby="notices">
          <h2 id="notices">{words.notices}</h2>
          <Notices live={live} />
        </section>
      </div>
      <section aria-labelledby="traffic">
        <h2 id="traffic">{words.traffic}</h2>
        <Traffic live={live} theme={theme} />
      </section>
    </>
  )
}

function Tile({ value, label }: { value: string | number; label: string }) {
  return (
    <li class="tile">
      <strong>{value}</strong> <span>{label}</span>
    </li>
  )
}

function Room({ room, live }: { room: Headroom; live: Live }) {
  const now = live.now()
  const emptyAt = live.pace.emptyAt(room)
  const isSoon = emptyAt !== null && (room.nextReset === null || emptyAt < room.nextReset)
  const left = room.left === null ? words.unknown : percent(room.left)
  const title = room.provider === room.pool ? room.provider : `${room.provider} · ${room.pool}`
  const outlook = [
    isSoon ? words.emptyAt(clock(emptyAt, now)) : emptyAt !== null ? words.enough : null,
    room.nextReset !== null ? words.resets(clock(room.nextReset, now)) : null,
  ].filter(Boolean)
  return (
    <article class="room">
      <h3>{title}</h3>
      <strong class="left">{left}</strong>
      <Bar left={room.left} label={`${title}: ${left}`} />
      <p>
        {room.open} {words.open}, {room.limited} {words.closed}
        {room.other > 0 && `, ${room.other} ${words.other}`}
      </p>
      <p class={isSoon ? 'warn' : 'note'}>{outlook.join(', ') || '\u00a0'}</p>
    </article>
  )
}

function Waits({ live }: { live: Live }) {
  const waiting = live.requests.filter((request) => request.state === 'waiting')
  if (waiting.length === 0) return <p class="note">{words.noWaits}</p>
  return (
    <ul class="plain">
      {waiting.slice(0, 12).map((request) => (
        <li key={request.id}>
          <State state="waiting" /> {request.model} · {span(live.now() - request.began_unix_ms)}
          {request.until_unix_ms !== null && ` · ${words.until(clock(request.until_unix_ms, live.now()))}`}
        </li>
      ))}
    </ul>
  )
}

function Notices({ live }: { live: Live }) {
  if (live.notices.length === 0) return <p class="note">{words.noNotices}</p>
  return (
    <ol class="plain" aria-live="polite">
      {live.notices.slice(0, 12).map((notice, index) => (
        <li key={`${notice.at_unix_ms}-${index}`} class="notice">
          <time>{seconds(notice.at_unix_ms)}</time> <Name id={notice.text} />
        </li>
      ))}
    </ol>
  )
}

function Traffic({ live, theme }: { live: Live; theme: Theme }) {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  useEffect(() => {
    const node = place.current
    if (!node) return
    const made = new uPlot(options(node.clientWidth), [[], [], []], node)
    plot.current = made
    const observer = new ResizeObserver(() => made.setSize({ width: node.clientWidth, height: HEIGHT }))
    observer.observe(node)
    return () => {
      observer.disconnect()
      made.destroy()
    }
  }, [theme])
  useEffect(() => plot.current?.setData(series(live)))
  return <div ref={place} class="chart" role="img" aria-label={`${words.rate}, ${words.limited}`} />
}

const HEIGHT = 180
// Seconds: a chart of two samples would show tenths of them.
const SHORTEST = 120

// The color of the theme in force: a canvas understands neither variables nor `light-dark`.
function color(name: string): string {
  const probe = document.body.appendChild(document.createElement('i'))
  probe.style.color = `var(${name})`
  const found = getComputedStyle(probe).color
  probe.remove()
  return found
}

function options(width: number): uPlot.Options {
  const axis = { stroke: color('--ink-soft'), grid: { stroke: color('--line') }, ticks: { stroke: color('--line') } }
  return {
    width,
    height: HEIGHT,
    cursor: { y: false },
    scales: {
      x: { range: (_, min, max) => [Math.min(min, max - SHORTEST), max] },
      y: { range: (_, __, max) => [0, Math.max(1, max * 1.1)] },
    },
    axes: [axis, { ...axis, size: 44 }],
    series: [
      {},
      { label: words.rate, stroke: color('--accent'), width: 2, points: { show: false } },
      { label: words.limited, stroke: color('--limited'), width: 2, points: { show: false } },
    ],
  }
}

// Rates between neighbouring samples, smoothed over five of them.
function series(live: Live): uPlot.AlignedData {
  const at: number[] = []
  const requests: number[] = []
  const limited: number[] = []
  live.samples.forEach((_, index) => {
    const part = live.samples.slice(Math.max(0, index - 5), index + 1)
    at.push(live.samples[index]!.at / 1_000)
    requests.push(rate(part, 'requests', 60_000))
    limited.push(rate(part, 'limited', 60_000))
  })
  return [at, requests, limited]
}
