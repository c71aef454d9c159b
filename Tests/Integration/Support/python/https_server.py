"""An HTTPS server on 127.0.0.1 with certificates of its own, and a proxy in front of it, for tests of the HTTP client.

    https_server.py DIR

Makes with openssl, in DIR: ca.pem, a certificate for localhost signed by it, one for another name, and stranger.pem, an
authority that signed nothing. Prints one line: the ports of the good server, of the one with the wrong name, and of the
proxy. Ends when its standard input ends.
"""

import http.server
import pathlib
import socket
import ssl
import subprocess
import sys
import threading

HERE = pathlib.Path(sys.argv[1])


def openssl(*words):
    subprocess.run(["openssl", *words], cwd=HERE, check=True, capture_output=True)


def authority(name):
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem")


def certificate(name, host):
    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={host}",
            "-keyout", f"{name}.key", "-out", f"{name}.csr")
    (HERE / f"{name}.ext").write_text(f"subjectAltName=DNS:{host}\n")
    openssl("x509", "-req", "-in", f"{name}.csr", "-days", "2", "-extfile", f"{name}.ext", "-CA", "ca.pem",
            "-CAkey", "ca.key", "-CAcreateserial", "-out", f"{name}.pem")


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def serve(name):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(HERE / f"{name}.pem", HERE / f"{name}.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def pump(source, target):
    while data := source.recv(65536):
        target.sendall(data)
    target.close()


def tunnel(client, port):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += client.recv(1)
    upstream = socket.create_connection(("127.0.0.1", port))
    client.sendall(b"HTTP/1.1 200 Connection established\r\nX-Proxy: 1\r\n\r\n")
    threading.Thread(target=pump, args=(client, upstream), daemon=True).start()
    pump(upstream, client)


def proxy(port):
    """Leads every tunnel to one server, so that a name need not exist."""
    listener = socket.create_server(("127.0.0.1", 0))

    def run():
        while True:
            client, _ = listener.accept()
            threading.Thread(target=tunnel, args=(client, port), daemon=True).start()

    threading.Thread(target=run, daemon=True).start()
    return listener.getsockname()[1]


authority("ca")
authority("stranger")
certificate("good", "localhost")
certificate("other", "other.invalid")
other = serve("other")
print(serve("good"), other, proxy(other), flush=True)
sys.stdin.read()
