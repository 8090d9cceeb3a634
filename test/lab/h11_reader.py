"""Reads HTTP/1.1 with h11, as a server or as a client. One JSON object per line, in and out."""

import base64
import json
import sys

import h11


def text(value):
    return value.decode("latin-1")


def field_list(headers):
    return [text(part) for name, value in headers.raw_items() for part in (name, value)]


def read(role, data, methods):
    """The messages that come to their end, and how the reading ended."""
    connection = h11.Connection(h11.SERVER if role == "requests" else h11.CLIENT, max_incomplete_event_size=1 << 20)
    connection.receive_data(data)
    connection.receive_data(b"")
    messages = []
    methods = list(methods)
    try:
        while role == "requests" or methods:
            if role == "responses":
                connection.send(h11.Request(method=methods.pop(0), target="/", headers=[("Host", "a")]))
                connection.send(h11.EndOfMessage())
            line, body, minor, fields = None, b"", 0, []
            while True:
                event = connection.next_event()
                if event is h11.NEED_DATA or isinstance(event, h11.ConnectionClosed):
                    return messages, "cut off" if line is not None else "end", len(connection.trailing_data[0])
                if isinstance(event, h11.Request):
                    line = text(event.method) + " " + text(event.target)
                elif isinstance(event, h11.Response):
                    line = str(event.status_code) + " " + text(event.reason)
                elif isinstance(event, h11.Data):
                    body += bytes(event.data)
                elif isinstance(event, h11.EndOfMessage):
                    trailers = field_list(event.headers)
                    break
                if isinstance(event, (h11.Request, h11.Response)):
                    minor = int(text(event.http_version)[2:])
                    fields = field_list(event.headers)
            messages.append({"line": line, "minor": minor, "fields": fields, "data": text(body), "trailers": trailers})
            if role == "requests":
                connection.send(h11.Response(status_code=200, headers=[("Content-Length", "0")]))
                connection.send(h11.EndOfMessage())
            if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
                return messages, "closed", len(connection.trailing_data[0])
            connection.start_next_cycle()
        return messages, "end", len(connection.trailing_data[0])
    except h11.RemoteProtocolError as error:
        return messages, "refused: " + str(error), 0


for given in sys.stdin:
    asked = json.loads(given)
    messages, ending, rest = read(asked["role"], base64.b64decode(asked["bytes"]), asked.get("methods", []))
    print(json.dumps({"messages": messages, "ending": ending, "rest": rest}))
