from google import genai
from google.genai import errors, types

from expect import BASE, LONG, PICTURE_BYTES, fails, pong, same

MODEL = "gemini-3-flash"
client = genai.Client(api_key="unused", http_options=types.HttpOptions(base_url=BASE))
models = client.models

pong(models.generate_content(model=MODEL, contents="hi").text)
pong("".join(chunk.text or "" for chunk in models.generate_content_stream(model=MODEL, contents="hi")))

picture = types.Part.from_bytes(data=PICTURE_BYTES, mime_type="image/png")
pong(models.generate_content(model=MODEL, contents=[picture, LONG]).text)

city = types.Schema(type="OBJECT", properties={"city": types.Schema(type="STRING")}, required=["city"])
weather = types.FunctionDeclaration(name="weather", description="The weather.", parameters=city)
config = types.GenerateContentConfig(
    tools=[types.Tool(function_declarations=[weather])],
    tool_config=types.ToolConfig(function_calling_config=types.FunctionCallingConfig(mode="ANY")),
)
whole = models.generate_content(model=MODEL, contents="hi", config=config).function_calls
streamed = [
    call
    for chunk in models.generate_content_stream(model=MODEL, contents="hi", config=config)
    for call in chunk.function_calls or []
]
for calls in [whole, streamed]:
    same([call.name for call in calls], ["weather"])
    pong(calls[0].args["city"])

assert models.count_tokens(model=MODEL, contents="hi").total_tokens > 0
assert f"models/{MODEL}" in [model.name for model in models.list()]

spent = types.GenerateContentConfig(http_options=types.HttpOptions(headers={"x-pointsman-account": "gemini:spent-gemini"}))
limited = fails(errors.ClientError, lambda: models.generate_content(model=MODEL, contents="hi", config=spent))
same((limited.code, limited.status), (429, "RESOURCE_EXHAUSTED"))
