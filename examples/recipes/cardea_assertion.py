"""Verifies X-Cardea-Assertion, for apps that do not trust their network. Needs PyJWT[crypto]; copy it beside the app.

CARDEA_JWKS is where the gateway publishes its keys: https://app.corp.example/.well-known/jwks.json
CARDEA_AUDIENCE is the app's name in cardea.yaml.
"""

import os
from functools import cache

import jwt


@cache
def _keys() -> jwt.PyJWKClient:
    # The keys are asked for once in five minutes, and when one is needed that is not among them.
    return jwt.PyJWKClient(os.environ["CARDEA_JWKS"], lifespan=300, timeout=5)


def verified(assertion: str | None) -> dict:
    """The claims about the person (`account`, `upn`, `name`, `groups`, `roles`, `sub`). Raises jwt.PyJWTError when it is not good."""
    if not assertion:
        raise jwt.InvalidTokenError("there is no assertion")
    if jwt.get_unverified_header(assertion).get("typ") != "cardea-assertion+jwt":
        raise jwt.InvalidTokenError("this is another kind of token")
    return jwt.decode(
        assertion,
        _keys().get_signing_key_from_jwt(assertion).key,
        algorithms=["ES256"],
        audience=os.environ["CARDEA_AUDIENCE"],
        issuer="cardea",
        leeway=30,
        options={"require": ["exp", "iat", "sub", "aud", "iss"]},
    )
