import { useState } from 'preact/hooks'
import { useView } from '../parts'
import { WORDS } from '../words'

const words = WORDS.setup

const AGENTS = ['claude', 'codex', 'gemini', 'opencode', 'copilot', 'qwen']

export function Setup() {
  const { live } = useView()
  const base = location.origin
  const formats = new Set(live.status?.accounts.map((account) => account.format))
  return (
    <>
      <section>
        <p>{words.intro}</p>
        {AGENTS.map((agent) => (
          <Line key={agent} text={`pointsman run -- ${agent}`} />
        ))}
      </section>
      <section>
        <p>{words.orSet}</p>
        {formats.has('anthropic') && <Line text={`export ANTHROPIC_BASE_URL=${base} ANTHROPIC_API_KEY=pointsman`} />}
        {formats.has('openai') && <Line text={`export OPENAI_BASE_URL=${base}/v1 OPENAI_API_KEY=pointsman`} />}
        {formats.has('gemini') && <Line text={`export GOOGLE_GEMINI_BASE_URL=${base} GEMINI_API_KEY=pointsman`} />}
        <p class="note">{words.placeholder}</p>
      </section>
    </>
  )
}

function Line({ text }: { text: string }) {
  const [said, say] = useState(words.copy)
  const copy = () =>
    navigator.clipboard
      .writeText(text)
      .then(() => say(words.copied))
      .catch(() => say(words.copyFailed))
  return (
    <div class="line">
      <code>{text}</code>
      <button type="button" onClick={copy} aria-label={`${said}: ${text}`}>
        {said}
      </button>
    </div>
  )
}
