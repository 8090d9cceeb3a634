"""A Streamlit tool that knows who is looking at it. Nothing in it signs anybody in."""

from urllib.parse import unquote

import streamlit as st
from cardea_assertion import verified

# What Cardea has put into the WebSocket's handshake. Anything but ASCII comes percent-encoded.
user = unquote(st.context.headers.get("X-Authenticated-User", "nobody"))
groups = [unquote(group) for group in st.context.headers.get("X-Authenticated-Groups", "").split(",")]


def person() -> dict:
    """The same, proven by Cardea's signature: for apps that do not trust their network.

    An assertion is good for five minutes, and a WebSocket stays open for hours: it is verified once for each handshake. A new
    handshake may be another person's, though Streamlit goes on with the session of before, so nothing else is remembered.
    """
    assertion = st.context.headers.get("X-Cardea-Assertion")
    if st.session_state.get("assertion") != assertion:
        st.session_state.person = verified(assertion)
        st.session_state.assertion = assertion
    return st.session_state.person


st.title("Quarterly figures")
st.text(f"Signed in as {user}")
st.text(f"Proven: {person()['account']}")
st.text(f"Groups: {', '.join(groups)}")

st.session_state.setdefault("clicks", 0)
if st.button("Count"):
    st.session_state.clicks += 1
st.text(f"Counted {st.session_state.clicks}")
