"""An OpenID Connect provider on loopback, by authlib.

It checks codes, PKCE and nonces, and signs ID tokens.
"""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from urllib.parse import parse_qsl, urlsplit

from authlib.oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, OAuth2Request, grants
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import AuthorizationCodeMixin, OpenIDCode
from joserfc.jwk import RSAKey

CLIENT_ID, SECRET = "imagelib", "a client's secret"


class Provider:
    """State that tests change: who sits at the browser, and what is wrong."""

    def __init__(self) -> None:
        self.claims = {"sub": "1234", "email": "anna@example.org", "email_verified": True, "name": "Anna Müller"}
        self.is_denied = self.is_broken = False
        self.nonce: str | None = None
        """Instead of the requested one."""
        self.subject_of_userinfo = ""
        self.expires_in = 600
        self.requests: list[str] = []
        self.codes: dict[str, Code] = {}
        self.tokens: set[str] = set()
        self.issuer = ""


class Client(ClientMixin):
    id_token_signed_response_alg = "RS256"

    def get_client_id(self):
        return CLIENT_ID

    def get_default_redirect_uri(self):
        return ""

    def get_allowed_scope(self, scope):
        return scope

    def check_redirect_uri(self, redirect_uri):
        return redirect_uri == "http://testserver/accounts/oidc/callback/"

    def check_client_secret(self, client_secret):
        return client_secret == SECRET

    def check_endpoint_auth_method(self, method, endpoint):
        return method in {"client_secret_basic", "client_secret_post"}

    def check_response_type(self, response_type):
        return response_type == "code"

    def check_grant_type(self, grant_type):
        return grant_type == "authorization_code"


@dataclass
class Code(AuthorizationCodeMixin):
    redirect_uri: str
    scope: str
    nonce: str | None
    code_challenge: str
    code_challenge_method: str

    def get_redirect_uri(self):
        return self.redirect_uri

    def get_scope(self):
        return self.scope

    def get_nonce(self):
        return self.nonce

    def get_auth_time(self):
        return int(time.time())

    def get_acr(self):
        return None

    def get_amr(self):
        return None


class Payload(BasicOAuth2Payload):
    @property
    def datalist(self):
        return defaultdict(list, super().datalist)


class Request(OAuth2Request):
    @property
    def form(self):
        return self.payload.data

    args = form


@cache
def signing_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "first", "alg": "RS256", "use": "sig"})


def oauth_server(provider: Provider) -> AuthorizationServer:
    class Server(AuthorizationServer):
        def query_client(self, client_id):
            return Client() if client_id == CLIENT_ID else None

        def save_token(self, token, request):
            provider.tokens.add(token["access_token"])

        def send_signal(self, name, *args, **kwargs):
            pass

        def create_oauth2_request(self, request):
            return request

        def handle_response(self, status, body, headers):
            return status, body if isinstance(body, str) else json.dumps(body), dict(headers)

    class CodeGrant(grants.AuthorizationCodeGrant):
        TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]

        def save_authorization_code(self, code, request):
            data = request.payload.data
            provider.codes[code] = Code(
                request.payload.redirect_uri,
                request.payload.scope,
                provider.nonce or data.get("nonce"),
                data["code_challenge"],
                data["code_challenge_method"],
            )

        def query_authorization_code(self, code, client):
            return provider.codes.get(code)

        def delete_authorization_code(self, authorization_code):
            provider.codes.clear()

        def authenticate_user(self, authorization_code):
            return SimpleNamespace()

    class IdToken(OpenIDCode):
        def exists_nonce(self, nonce, request):
            return False

        def resolve_client_private_key(self, client):
            return signing_key()

        def get_encode_header(self, client):
            return {"alg": "RS256", "kid": "first"}

        def get_compatible_claims(self, request):
            now = int(time.time())
            return {"iss": provider.issuer, "aud": [CLIENT_ID], "iat": now, "exp": now + provider.expires_in}

        def generate_user_info(self, user, scope):
            return {"sub": provider.claims["sub"]}

    server = Server()
    server.register_token_generator("default", BearerTokenGenerator(lambda *_, **__: f"token-{time.time_ns()}"))
    server.register_grant(CodeGrant, [CodeChallenge(required=True), IdToken(require_nonce=True)])
    return server


@contextmanager
def serving(provider: Provider):
    """Serves on a free port; yields the issuer's address."""
    oauth = oauth_server(provider)

    class OneRequest(BaseHTTPRequestHandler):
        def do_GET(self):
            self._respond("GET", dict(parse_qsl(urlsplit(self.path).query)))

        def do_POST(self):
            self._respond("POST", dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode())))

        def _respond(self, method, data):
            provider.requests.append(urlsplit(self.path).path)
            status, text, headers = self._response(method, data)
            self.send_response(503 if provider.is_broken else status)
            for name, value in ({"Content-Type": "application/json"} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text.encode())

        def _response(self, method, data):
            match urlsplit(self.path).path:
                case "/.well-known/openid-configuration":
                    return 200, json.dumps(configuration(provider.issuer)), {}
                case "/jwks":
                    return 200, json.dumps({"keys": [signing_key().as_dict(private=False)]}), {}
                case "/userinfo" if self.headers["Authorization"].removeprefix("Bearer ") in provider.tokens:
                    sub = provider.subject_of_userinfo or provider.claims["sub"]
                    return 200, json.dumps(provider.claims | {"sub": sub}), {}
            request = Request(method, f"{provider.issuer}{self.path}", headers=self.headers)
            request.payload = Payload(data)
            if self.path.startswith("/token"):
                return oauth.create_token_response(request)
            grant = oauth.get_consent_grant(request, end_user=SimpleNamespace())
            user = None if provider.is_denied else SimpleNamespace()
            return oauth.create_authorization_response(request, grant_user=user, grant=grant)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), OneRequest)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    try:
        yield provider.issuer
    finally:
        server.shutdown()
        server.server_close()


def configuration(issuer: str) -> dict:
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "jwks_uri": f"{issuer}/jwks",
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
    }
