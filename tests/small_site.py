"""A one-page site that reports the size of requests, for tests of the web server."""


def application(environ, start_response):
    if environ["PATH_INFO"] == "/unread":
        start_response("413 Content Too Large", [("Content-Length", "9")])
        return [b"too large"]
    body = str(len(environ["wsgi.input"].read())).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
