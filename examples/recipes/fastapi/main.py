"""A FastAPI app that knows who is there on a page, an API call, an event stream and a WebSocket."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated
from urllib.parse import unquote

import jwt
from cardea_assertion import verified
from fastapi import Depends, FastAPI, Header, HTTPException, WebSocket, WebSocketException
from fastapi.requests import HTTPConnection
from fastapi.responses import HTMLResponse, StreamingResponse

app = FastAPI(docs_url=None, redoc_url=None)

# What Cardea says: enough where only Cardea can reach the app. Anything but ASCII comes percent-encoded.
UserHeader = Annotated[str, Header(alias="X-Authenticated-User")]


def person(connection: HTTPConnection) -> dict:
    """The same, proven by Cardea's signature: for apps that do not trust their network. Works on WebSockets as well."""
    try:
        return verified(connection.headers.get("x-cardea-assertion"))
    except jwt.PyJWTError as error:
        if connection.scope["type"] == "websocket":
            raise WebSocketException(code=1008, reason="not from the gateway") from error
        raise HTTPException(401, "not from the gateway") from error


Person = Annotated[dict, Depends(person)]


@app.get("/api/me")
def me(user: UserHeader, who: Person) -> dict:
    return {"user": unquote(user), "proven": who["account"], "groups": who["groups"]}


@app.get("/events")
def events(who: Person) -> StreamingResponse:
    async def stream() -> AsyncIterator[str]:
        while True:
            yield f"data: {who['account']}\n\n"
            await asyncio.sleep(1)

    return StreamingResponse(stream(), media_type="text/event-stream")


@app.websocket("/ws")
async def socket(websocket: WebSocket, user: UserHeader, who: Person) -> None:
    await websocket.accept()
    await websocket.send_json({"user": unquote(user), "proven": who["account"]})
    async for message in websocket.iter_text():
        await websocket.send_json({"user": unquote(user), "message": message})


@app.get("/")
def page(user: UserHeader) -> HTMLResponse:
    return HTMLResponse(PAGE)


PAGE = """<!doctype html>
<title>Orders</title>
<p>API call: <output id="api"></output>
<p>Event stream: <output id="stream"></output>
<p>WebSocket: <output id="socket"></output>
<script>
const show = (id, text) => (document.getElementById(id).textContent = text);
fetch('/api/me').then((r) => r.json()).then((me) => show('api', `${me.user}, proven ${me.proven}`));
new EventSource('/events').onmessage = ({ data }) => show('stream', data);
function connect() {
  const socket = new WebSocket(`wss://${location.host}/ws`);
  socket.onmessage = ({ data }) => show('socket', JSON.parse(data).user);
  // 4401: the sign-in has ended; 4403: no longer allowed. Loading the page again shows what to do.
  socket.onclose = ({ code }) => code === 4401 || code === 4403 ? show('socket', `closed: ${code}`) : setTimeout(connect, 500);
}
connect();
</script>
"""
