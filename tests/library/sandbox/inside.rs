//! What has to work in the sandbox: tools, toolchains, and what tests need of a machine.

use std::fs;

use kcode::tools::TestRun;

use super::world::World;
use crate::support::skipped::has_program;

#[tokio::test]
async fn commands_can_do_what_tests_need() {
    let world = World::new();
    let needs = [
        "echo x > file && mkdir -p a/b && mv file a/b/ && ln a/b/file hard && ln -s a/b link && cat link/file",
        "echo x > \"$HOME/dot\" && echo x > \"$TMPDIR/tmp\" && f=$(mktemp) && rm \"$f\"",
        "echo x > /dev/null && head -c 1 /dev/urandom > /dev/null",
        "touch /dev/shm/kcode-$$ && rm /dev/shm/kcode-$$",
        "printf '#!/bin/sh\\nexit 0\\n' > script && chmod +x script && ./script",
        "sleep 100 & kill $!",
        "cat /etc/passwd /proc/self/stat",
    ];
    let script: Vec<String> =
        needs.iter().map(|need| format!("({need}) || echo 'refused: {}'", need.replace('\'', ""))).collect();
    fs::write(world.view().join("needs.sh"), script.join("\n")).unwrap();
    let run = world.run("sh needs.sh > /dev/null").await;
    let run_log = world.log(&run);
    assert_eq!(run_log, "", "{run_log}");
}

/// Runs `line` over `files`, if this machine has `program`.
async fn toolchain(program: &str, files: &[(&str, &str)], line: &str) {
    if !has_program(program) {
        return;
    }
    let world = World::new();
    for (file, text) in files {
        let file = world.view().join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    let run = world.run(line).await;
    assert_eq!(run.exit_code, Some(0), "{}", world.log(&run));
}

#[tokio::test]
async fn cargo_works_inside() {
    let manifest = "[package]\nname = \"a\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[workspace]\n";
    let test = "#[test] fn t() { std::fs::write(std::env::temp_dir().join(\"x\"), \"x\").unwrap(); }";
    toolchain("cargo", &[("Cargo.toml", manifest), ("src/lib.rs", test)], "cargo test").await;
}

#[tokio::test]
async fn python_works_inside() {
    let test = "import unittest, multiprocessing, socket, tempfile\n\
                class T(unittest.TestCase):\n    \
                    def test_processes(self):\n        \
                        with multiprocessing.Pool(2) as pool: self.assertEqual(pool.map(abs, [-1, -2]), [1, 2])\n    \
                    def test_loopback(self):\n        \
                        server = socket.create_server(('127.0.0.1', 0))\n        \
                        socket.create_connection(server.getsockname()).close()\n    \
                    def test_files(self):\n        \
                        tempfile.TemporaryFile().close()\n";
    toolchain("python3", &[("test_a.py", test)], "python3 -m unittest").await;
}

#[tokio::test]
async fn node_works_inside() {
    let test = "const test = require('node:test'); const http = require('node:http');\n\
                test('loopback', (t, done) => { const s = http.createServer((q, r) => r.end()).listen(0, '127.0.0.1', () => \
                http.get({ port: s.address().port }, r => { r.resume(); s.close(); done(); })); });\n";
    let package = "{\"scripts\": {\"test\": \"node --test a.test.js\"}}";
    toolchain("npm", &[("a.test.js", test), ("package.json", package)], "npm test").await;
}

#[tokio::test]
async fn go_works_inside() {
    let test = "package a\n\nimport (\"net\"; \"os\"; \"testing\")\n\n\
                func TestLoopback(t *testing.T) {\n\
                    listener, err := net.Listen(\"tcp\", \"127.0.0.1:0\")\n\
                    if err != nil { t.Fatal(err) }\n\
                    if _, err := net.Dial(\"tcp\", listener.Addr().String()); err != nil { t.Fatal(err) }\n\
                    if err := os.WriteFile(t.TempDir()+\"/x\", nil, 0o600); err != nil { t.Fatal(err) }\n\
                }\n";
    toolchain("go", &[("go.mod", "module a\n\ngo 1.19\n"), ("a_test.go", test)], "go test ./...").await;
}

#[tokio::test]
async fn compilers_and_git_work_inside() {
    toolchain("cc", &[("a.c", "int main(void) { return 0; }")], "cc a.c -o a && ./a").await;
    let identity = "-c user.name=a -c user.email=a@example.org";
    toolchain("git", &[("a", "a")], &format!("git init -q . && git add a && git {identity} commit -qm a && git log"))
        .await;
}

#[tokio::test]
async fn tools_work_behind_the_wall_and_together() {
    let world = World::new();
    fs::write(world.view().join("a.txt"), "one\ntwo\n").unwrap();
    std::os::unix::fs::symlink(world.outside().join("secret"), world.view().join("link")).unwrap();
    let worker = world.worker("echo ran").await;
    let reads = [r#"{"path":"a.txt"}"#, r#"{"path":"link"}"#, r#"{"path":"../../outside/secret"}"#];
    let [read, link, parent] = reads.map(|arguments| worker.call("read_file", arguments));
    let (read, link, parent) = tokio::join!(read, link, parent);
    let (read, link, parent) = (read.unwrap(), link.unwrap(), parent.unwrap());
    assert!(read.ok && read.text.contains("two"), "{}", read.text);
    assert!(!link.ok && !link.text.contains("hunter2"), "{}", link.text);
    assert!(!parent.ok && !parent.text.contains("hunter2"), "{}", parent.text);

    let tests = worker.call("run_tests", "{}").await.unwrap();
    assert!(tests.tests.as_ref().is_some_and(TestRun::passed), "{}", tests.text);
    let log = worker.call("read_file", &format!(r#"{{"path":"@logs/{}"}}"#, tests.tests.unwrap().log)).await.unwrap();
    assert!(log.text.contains("ran"), "{}", log.text);
    assert!(!worker.call("no_such_tool", "{").await.unwrap().ok);
}
