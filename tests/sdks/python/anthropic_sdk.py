import asyncio

from anthropic import Anthropic, AsyncAnthropic, RateLimitError

from expect import BASE, LONG, PICTURE, WEATHER, fails, pong, same

MODEL = "claude-sonnet-4-6"
client = Anthropic(base_url=BASE, api_key="unused", max_retries=0)


def ask(content, **more):
    return {"model": MODEL, "max_tokens": 64, "messages": [{"role": "user", "content": content}], **more}


answer = client.messages.create(**ask("hi"), extra_headers={"anthropic-beta": "one-2026-01-01"})
pong(answer.content[0].text)
same(answer.stop_reason, "end_turn")

with client.messages.stream(**ask("hi")) as stream:
    pong("".join(stream.text_stream))
    same(stream.get_final_message().stop_reason, "end_turn")

picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PICTURE}}
pong(client.messages.create(**ask([picture, {"type": "text", "text": LONG}])).content[0].text)

tools = [{"name": "weather", "description": "The weather.", "input_schema": WEATHER}]
forced = {"tools": tools, "tool_choice": {"type": "tool", "name": "weather"}}
for final in [
    client.messages.create(**ask("hi", **forced)),
    client.messages.stream(**ask("hi", **forced)).__enter__().get_final_message(),
]:
    same(final.stop_reason, "tool_use")
    call = final.content[-1]
    same((call.type, call.name), ("tool_use", "weather"))
    pong(call.input["city"])

result = {"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}
turns = [
    {"role": "user", "content": "hi"},
    {"role": "assistant", "content": [call.model_dump()]},
    {"role": "user", "content": [result]},
]
pong(client.messages.create(model=MODEL, max_tokens=64, messages=turns, tools=tools).content[0].text)

assert client.messages.count_tokens(model=MODEL, messages=turns).input_tokens > 0
assert MODEL in [model.id for model in client.models.list()]

limited = fails(RateLimitError, lambda: client.messages.create(**ask("hi"), extra_headers={"x-pointsman-account": "anthropic:spent-anthropic"}))
same((limited.status_code, limited.body["error"]["type"]), (429, "rate_limit_error"))


async def at_once():
    patient = AsyncAnthropic(base_url=BASE, api_key="unused", max_retries=0)
    for answer in await asyncio.gather(*(patient.messages.create(**ask(f"hi {n}")) for n in range(8))):
        pong(answer.content[0].text)


asyncio.run(at_once())
