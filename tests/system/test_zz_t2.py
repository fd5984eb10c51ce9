import time, json, socket, sys
sys.path.insert(0, "/work/main/tests/system")
def call(path, method, **p):
    s = socket.socket(socket.AF_UNIX); s.connect(str(path))
    s.sendall(json.dumps({"method": "io.portcred."+method, "parameters": p}).encode()+b"\0")
    d=b""
    while not d.endswith(b"\0"): d+=s.recv(65536)
    s.close()
    return json.loads(d[:-1])
def test_t(host):
    for i in range(4):
        t=time.monotonic(); d=host.daemon("bind 80, 8080 by user web\n"); print("start", time.monotonic()-t)
        if i<3: d.kill()
    for i in range(10):
        t=time.monotonic(); r=call(host.runtime/"control","Reload"); print("reload", time.monotonic()-t)
    t=time.monotonic(); r=call(host.runtime/"control","GetStatus"); print("status", time.monotonic()-t)
    print(json.dumps(r,indent=1)); print(d.log())
    t=time.monotonic(); d.stop(); print("stop", time.monotonic()-t)
    t=time.monotonic(); host.release(); print("release", time.monotonic()-t)
