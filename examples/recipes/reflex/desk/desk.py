"""A trading desk's page that knows who is looking at it. Nothing in it signs anybody in."""

from urllib.parse import unquote

import reflex as rx
from cardea_assertion import verified
from granian.utils.proxies import wrap_asgi_with_proxy_headers


class State(rx.State):
    orders: list[str] = []
    # Not sent to the browser (a name that begins with "_" stays on the server).
    _assertion: str = ""
    _person: dict = {}

    @rx.var
    def user(self) -> str:
        # What Cardea has put into the WebSocket's handshake: CORP\alice. Anything but ASCII comes percent-encoded.
        return unquote(self.router.headers.raw_headers.get("x-authenticated-user", "nobody"))

    def person(self) -> dict:
        """The same, proven by Cardea's signature: for apps that do not trust their network.

        An assertion is good for five minutes, and a WebSocket stays open for hours: it is verified once for each handshake. A
        new handshake may be another person's, though Reflex goes on with the state of before.
        """
        assertion = self.router.headers.raw_headers.get("x-auth-request-access-token", "")
        if assertion != self._assertion:
            self._person = verified(assertion)
            self._assertion = assertion
        return self._person

    @rx.event
    def place_order(self):
        # On the server, at the moment of the click: this is where an app looks, not in the browser.
        self.orders.append(f"{len(self.orders) + 1}: {self.person()['account']}")


def index() -> rx.Component:
    return rx.container(
        rx.heading("Desk"),
        rx.text("Signed in as ", rx.code(State.user, id="user")),
        rx.button("Place an order", on_click=State.place_order),
        rx.box(rx.foreach(State.orders, rx.text), id="orders"),
    )


def unauthorized() -> rx.Component:
    return rx.container(rx.heading("Not for you"), rx.text("Ask the desk's administrator."))


def risk() -> rx.Component:
    return rx.container(rx.heading("Risk"))


# Believes X-Forwarded-Proto and -For of the gateway on this machine. Else Reflex would send "/risk" on to "http://…/risk/".
app = rx.App(api_transformer=wrap_asgi_with_proxy_headers)
app.add_page(index)
app.add_page(risk, route="/risk")
app.add_page(unauthorized, route="/unauthorized")
