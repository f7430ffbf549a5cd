# SPDX-License-Identifier: GPL-3.0-or-later
"""A language model's server, played: it speaks chat completions over real TLS, with an authority of its own, and answers
as well or as badly as it is told. Each answer is an act: a function of the request that returns (status, headers, body)."""
import json
import ssl
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def make_certificates(folder, host="localhost"):
    """An authority and a certificate for `host`: (authority, chain, key) as files."""
    ca, ca_key, cert, key, request, names = (folder / name for name in ("ca.pem", "ca.key", "cert.pem", "cert.key", "cert.csr", "names"))
    names.write_text(f"subjectAltName=DNS:{host}\n")
    elliptic = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    for command in (["req", "-x509", *elliptic, "-keyout", ca_key, "-out", ca, "-days", 2, "-subj", "/CN=Double's authority"],
                    ["req", *elliptic, "-keyout", key, "-out", request, "-subj", f"/CN={host}"],
                    ["x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial", "-out", cert, "-days", 2,
                     "-extfile", names]):
        subprocess.run(["openssl", *map(str, command)], check=True, capture_output=True)
    return ca, cert, key


# --- acts


USAGE = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}


def completion(content, usage=USAGE, **message):
    """A good completion around whatever content; None is none, as with a refusal or a call of a tool."""
    text = content if isinstance(content, str) or content is None else json.dumps(content)
    body = {"id": "c-1", "object": "chat.completion", "model": "double",
            "choices": [{"index": 0, "finish_reason": message.pop("finish_reason", "stop"),
                         "message": {"role": "assistant", "content": text, **message}}],
            **({"usage": usage} if usage else {})}
    return 200, {}, json.dumps(body).encode()


def says(content, **message):
    return lambda request: completion(content, **message)


def advises(parameters, reasoning="because", expected=1.0, **more):
    return says({"recommended_parameters": parameters, "reasoning": reasoning, "expected_improvement": expected, **more})


def raw(status, body=b"", **headers):
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: (status, fields, body if isinstance(body, bytes) else json.dumps(body).encode())


def refuses(status, message, **headers):
    return raw(status, {"error": {"message": message, "type": "double", "code": None}}, **headers)


def package(request):
    """What the model was told: the user message's data."""
    content = request["messages"][1]["content"]
    text = content if isinstance(content, str) else content[0]["text"]
    return json.loads(text)


def engineer(request):
    """Reasons as a person would: brings the loudness to the target, and takes the steps that were seen to help."""
    told = package(request)
    advice, values = {}, told["parameters"]
    for step in told["sensitivities"]:
        now = values[step["parameter"]]["now"]
        if step["score"] > 0.3 and now == step["from"] and len(advice) < 6:
            advice[step["parameter"]] = step["to"]
    gain = values.get("trim.gain")
    if gain and "lufs_integrated" in told["report"]["metrics"]:
        low, high = gain["range"]
        missing = told["goal"]["target_lufs"] - told["report"]["metrics"]["lufs_integrated"]
        reach = told["max_step"] * (high - low)
        advice["trim.gain"] = round(max(low, min(high, gain["now"] + max(-reach, min(reach, missing)))), 1)
    return completion({"recommended_parameters": advice, "reasoning": "Louder to the target; the steps that helped.",
                       "expected_improvement": 5})


# --- the server


class ModelDouble:
    """Serves https://localhost:PORT/v1 with the acts in order, the last again and again."""

    def __init__(self, folder, *acts, tls=True, host="localhost"):
        self.acts, self.requests, self.headers, self.times = list(acts), [], [], []
        self.key = "sk-double-0123456789abcdef"
        self.key_file = folder / "key"
        self.key_file.write_text(self.key + "\n")
        self.done = threading.Event()
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                double.requests.append(json.loads(body))
                double.headers.append(dict(self.headers))
                double.times.append(time.monotonic())
                assert self.path == "/v1/chat/completions", self.path
                act = double.acts.pop(0) if len(double.acts) > 1 else double.acts[0]
                if act == "stall":
                    double.done.wait(60)
                    self.close_connection = True
                    return
                status, headers, data = act(double.requests[-1])
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                for name, value in {"Content-Length": len(data), **headers}.items():
                    self.send_header(name, str(value))
                self.end_headers()
                try:
                    self.wfile.write(data)
                except OSError:
                    pass  # the client has heard enough
                self.close_connection = True

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # a client that does not trust us goes in the middle of the handshake

        self.server = Server(("127.0.0.1", 0), Handler)
        self.ca = None
        if tls:
            self.ca, cert, key = make_certificates(folder, host)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(cert, key)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"{'https' if tls else 'http'}://localhost:{self.server.server_port}/v1"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def options(self, ca=True):
        """For foldback-optimizer."""
        trust = ["--ca-file", self.ca] if self.ca and ca else []
        return ["--base-url", self.url, "--model", "double", "--key-file", self.key_file, *trust]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.done.set()
        self.server.shutdown()
        self.server.server_close()
