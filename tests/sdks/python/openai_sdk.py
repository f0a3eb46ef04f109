import json

from openai import OpenAI, RateLimitError

from expect import BASE, LONG, PICTURE, WEATHER, fails, pong, same

MODEL = "gpt-5"
client = OpenAI(base_url=f"{BASE}/v1", api_key="unused", max_retries=0)
picture = f"data:image/png;base64,{PICTURE}"

# Chat Completions.
hi = [{"role": "user", "content": "hi"}]
chat = client.chat.completions.create
pong(chat(model=MODEL, messages=hi).choices[0].message.content)

chunks = list(chat(model=MODEL, messages=hi, stream=True, stream_options={"include_usage": True}))
pong("".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices))
assert chunks[-1].usage.total_tokens > 0

parts = [{"type": "image_url", "image_url": {"url": picture}}, {"type": "text", "text": LONG}]
pong(chat(model=MODEL, messages=[{"role": "user", "content": parts}]).choices[0].message.content)

tools = [{"type": "function", "function": {"name": "weather", "parameters": WEATHER}}]
forced = {"tools": tools, "tool_choice": {"type": "function", "function": {"name": "weather"}}}
choice = chat(model=MODEL, messages=hi, **forced).choices[0]
same((choice.finish_reason, choice.message.tool_calls[0].function.name), ("tool_calls", "weather"))
pong(json.loads(choice.message.tool_calls[0].function.arguments)["city"])
with client.chat.completions.stream(model=MODEL, messages=hi, **forced) as stream:
    call = stream.get_final_completion().choices[0].message.tool_calls[0]
pong(json.loads(call.function.arguments)["city"])

turns = [*hi, choice.message.model_dump(exclude_none=True)]
turns.append({"role": "tool", "tool_call_id": choice.message.tool_calls[0].id, "content": "sunny"})
pong(chat(model=MODEL, messages=turns, tools=tools).choices[0].message.content)

# Responses.
pong(client.responses.create(model=MODEL, input="hi").output_text)

with client.responses.stream(model=MODEL, input="hi") as stream:
    pong("".join(event.delta for event in stream if event.type == "response.output_text.delta"))
    same(stream.get_final_response().status, "completed")

parts = [{"type": "input_image", "image_url": picture}, {"type": "input_text", "text": LONG}]
pong(client.responses.create(model=MODEL, input=[{"role": "user", "content": parts}]).output_text)

tools = [{"type": "function", "name": "weather", "parameters": WEATHER, "strict": False}]
forced = {"tools": tools, "tool_choice": {"type": "function", "name": "weather"}}
with client.responses.stream(model=MODEL, input="hi", **forced) as stream:
    streamed = stream.get_final_response()
for final in [client.responses.create(model=MODEL, input="hi", **forced), streamed]:
    call = final.output[-1]
    same((call.type, call.name), ("function_call", "weather"))
    pong(json.loads(call.arguments)["city"])

assert MODEL in [model.id for model in client.models.list()]

limited = fails(RateLimitError, lambda: chat(model=MODEL, messages=hi, extra_headers={"x-pointsman-account": "openai:spent-openai"}))
same((limited.status_code, limited.code), (429, "rate_limit_exceeded"))
