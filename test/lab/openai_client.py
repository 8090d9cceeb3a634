"""Python's openai before a gateway: OPENAI_BASE_URL and OPENAI_API_KEY are all that it is told. Reads names of steps, and prints what came of each as a line of JSON."""

import json
import sys
import time

import openai

client = openai.OpenAI()
once = client.with_options(max_retries=0)
question = [{"role": "user", "content": "good morning to you"}]


def chat(of=client, model="small-echo", **more):
    return of.chat.completions.create(model=model, messages=question, **more)


def answers():
    events = list(chat(stream=True, stream_options={"include_usage": True}))
    vectors = client.embeddings.create(model="small-embedding", input=["a", "bc"])
    return {
        "chat": chat().choices[0].message.content,
        "words": [event.choices[0].delta.content for event in chat(stream=True) if event.choices],
        "usage": events[-1].usage.total_tokens,
        "models": [model.id for model in client.models.list()],
        "embedding": vectors.data[1].embedding[:3],
        "response": client.responses.create(model="small-echo", input="good morning").output_text,
        "typed": [event.type for event in client.responses.create(model="small-echo", input="good", stream=True)],
        "sound": len(client.audio.speech.create(model="small-echo", voice="alloy", input="hi").read()),
    }


def error(ask):
    try:
        ask()
    except openai.APIStatusError as caught:
        return [type(caught).__name__, caught.status_code, caught.code]
    return "no error"


def errors():
    return {
        "unknown model": error(lambda: chat(model="large-unknown")),
        "failure": error(lambda: chat(once, metadata={"status": "500"})),
        "limit of the backend": error(lambda: chat(once, metadata={"status": "429"})),
        "failure that passes": chat(metadata={"status": "500", "until_retry": "1"}).choices[0].message.content,
    }


def broken():
    try:
        for _ in chat(stream=True, metadata={"break_after": "2"}):
            pass
    except Exception as caught:
        return type(caught).__module__.split(".")[0] + "." + type(caught).__name__
    return "no error"


def cancel():
    stream = chat(stream=True, metadata={"pause_ms": "600000"})
    for event in stream:
        if event.choices[0].delta.content == "good ":
            break
    at = time.time()
    stream.close()
    return at * 1000


steps = {
    "answers": answers,
    "errors": errors,
    "broken": broken,
    "cancel": cancel,
    "refused": lambda: error(lambda: chat(once)),
    "other model": lambda: error(lambda: chat(once, model="large-echo")),
    "patient": lambda: chat().choices[0].message.content,
}
for line in sys.stdin:
    print(json.dumps(steps[line.rstrip("\n")]()), flush=True)
