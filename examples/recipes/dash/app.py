"""A Dash app that knows who is there: each callback is a request of its own, and has its own header fields."""

from urllib.parse import unquote

from cardea_assertion import verified
from dash import Dash, Input, Output, callback, html
from flask import request

app = Dash(title="Figures")
server = app.server

app.layout = html.Main(
    [
        html.H1("Figures"),
        html.P(id="user"),
        html.P(id="proven"),
        html.Button("Ask again", id="again"),
        html.P(id="count"),
    ]
)


@callback(Output("user", "children"), Output("proven", "children"), Output("count", "children"), Input("again", "n_clicks"))
def who(clicks: int | None):
    # What Cardea says: enough where only Cardea can reach the app. Anything but ASCII comes percent-encoded.
    user = unquote(request.headers["X-Authenticated-User"])
    # The same, proven by Cardea's signature: for apps that do not trust their network.
    proven = verified(request.headers.get("X-Cardea-Assertion"))["account"]
    return f"Signed in as {user}", f"Proven: {proven}", f"Asked {clicks or 0}"


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=8050)
