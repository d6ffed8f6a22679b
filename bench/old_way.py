"""How a Flask chat server is usually written: the SDK's typed chunks, one by one, each as a JSON event."""

import json
import os
from collections.abc import Iterator

import openai
from flask import Flask, Response, request

app = Flask(__name__)
client = openai.OpenAI(api_key=os.environ["OPENAI_API_KEY"], base_url=os.environ["OPENAI_BASE_URL"])


@app.get("/health")
def health() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/chat")
def answer() -> dict[str, object]:
    body = request.get_json()
    completion = client.chat.completions.create(
        model=body["model"], messages=[{"role": "user", "content": body["message"]}]
    )
    usage = completion.usage
    return {"text": completion.choices[0].message.content, "usage": usage.model_dump() if usage else None}


@app.post("/chat/stream")
def stream() -> Response:
    body = request.get_json()

    def events() -> Iterator[str]:
        chunks = client.chat.completions.create(
            model=body["model"],
            messages=[{"role": "user", "content": body["message"]}],
            stream=True,
            stream_options={"include_usage": True},
        )
        for chunk in chunks:
            if chunk.choices and chunk.choices[0].delta.content:
                yield f"data: {json.dumps({'text': chunk.choices[0].delta.content})}\n\n"
        yield "data: [DONE]\n\n"

    return Response(events(), mimetype="text/event-stream")
