//! Builds the library once, installs it to a scratch prefix, and compiles and runs programs against it.
#![allow(dead_code, reason = "every test program uses a part of this")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// Warnings that no compiler may have.
pub(crate) const STRICT: [&str; 4] = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"];

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the workspace").to_owned()
}

/// A file of the workspace.
pub(crate) fn file(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The folder of the profile that the running test was built in, such as `target/debug`.
fn profile() -> PathBuf {
    let test = std::env::current_exe().expect("a running test has a file");
    test.ancestors().nth(2).expect("tests lie in `deps`").to_owned()
}

/// A folder for what the tests of one file make.
pub(crate) fn scratch() -> PathBuf {
    let test = std::env::current_exe().expect("a running test has a file");
    let name = test.file_stem().and_then(|name| name.to_str()).expect("a name");
    let folder = profile().join("ffi-tests").join(name);
    fs::create_dir_all(&folder).expect("the target folder can be written to");
    folder
}

/// The shared library. Cargo does not always build it for a test, so it is built here, once, in the profile of the test.
pub(crate) fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let profile = profile();
        let name = profile.file_name().and_then(|name| name.to_str()).expect("a name");
        let name = if name == "debug" { "dev" } else { name };
        let target = profile.parent().expect("a target folder");
        let mut build = Command::new(cargo());
        build.args(["build", "--quiet", "--locked", "--offline", "-p", "tactful-ffi", "--lib", "--profile", name]);
        succeed(build.current_dir(root()).arg("--target-dir").arg(target));
        let library = profile.join(if cfg!(target_os = "macos") { "libtactful_ffi.dylib" } else { "libtactful_ffi.so" });
        assert!(library.exists(), "no library at {}", library.display());
        library
    })
}

#[expect(clippy::disallowed_methods, reason = "a test may ask which cargo runs it")]
fn cargo() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// A prefix with the library, the headers, the CMake package and the pkg-config file, installed by the script.
pub(crate) fn prefix() -> &'static Path {
    static PREFIX: OnceLock<PathBuf> = OnceLock::new();
    PREFIX.get_or_init(|| {
        let prefix = scratch().join("prefix");
        succeed(Command::new("sh").arg(root().join("ffi/install.sh")).arg(&prefix).arg(library()));
        prefix
    })
}

/// A language and its standard, such as `c99` or `c++11`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standard(pub(crate) &'static str);

impl Standard {
    pub(crate) fn compiler(self) -> &'static str {
        if self.0.starts_with("c++") { "g++" } else { "gcc" }
    }

    /// Whether the compiler is there and knows the standard; says so when not.
    pub(crate) fn known(self) -> bool {
        let language = if self.compiler() == "g++" { "c++" } else { "c" };
        let mut probe = Command::new(self.compiler());
        probe.args([&format!("-std={}", self.0), "-x", language, "-fsyntax-only", "/dev/null"]);
        found(&format!("{} with -std={}", self.compiler(), self.0), &mut probe)
    }
}

/// Compiles a program of the workspace, strictly, against the installed library.
pub(crate) fn compile(source: &str, standard: Standard, flags: &[&str], name: &str) -> PathBuf {
    let (program, prefix) = (scratch().join(name), prefix());
    let mut compiler = Command::new(standard.compiler());
    compiler.arg(format!("-std={}", standard.0)).arg("-g").args(STRICT).arg("-I").arg(prefix.join("include"));
    compiler.arg(root().join(source)).arg("-L").arg(prefix.join("lib")).args(["-ltactful", "-lm", "-pthread"]);
    compiler.arg(format!("-Wl,-rpath,{}", prefix.join("lib").display())).args(flags).arg("-o").arg(&program);
    succeed(&mut compiler);
    program
}

/// Runs a command that has to succeed, and gives what it prints.
pub(crate) fn succeed(command: &mut Command) -> String {
    let output = run(command);
    assert!(output.status.success(), "{command:?}: {}\n{}", output.status, shown(&output));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Runs a command.
pub(crate) fn run(command: &mut Command) -> Output {
    // A backtrace of a caught panic would be kept, and count as a leak.
    command.env("RUST_BACKTRACE", "0").output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// What a command printed.
pub(crate) fn shown(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Whether a tool is there, told by a command that succeeds with it; says so when not.
pub(crate) fn found(tool: &str, probe: &mut Command) -> bool {
    let found = probe.output().is_ok_and(|output| output.status.success());
    if !found {
        // Past the capture of test output: nobody should take a skipped test for one that held.
        let _ = writeln!(std::io::stderr(), "skipped: {tool} is not installed");
    }
    found
}

/// A program as a command.
pub(crate) fn plain(program: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    command
}

/// A program under valgrind, which then fails with 9 for an error or a leak.
pub(crate) fn checked(program: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("valgrind");
    command.args(["--quiet", "--leak-check=full", "--error-exitcode=9", "--num-callers=40"]);
    command.arg(format!("--suppressions={}", root().join("ffi/tests/valgrind.supp").display()));
    command.arg(program).args(arguments).current_dir(root());
    command
}

/// Whether valgrind is there.
pub(crate) fn valgrind() -> bool {
    found("valgrind", Command::new("valgrind").arg("--version"))
}

/// Whether programs can be built with AddressSanitizer.
pub(crate) fn sanitizer() -> bool {
    let source = scratch().join("sanitizer.c");
    fs::write(&source, "int main(void) { return 0; }\n").expect("the scratch folder can be written to");
    let mut probe = Command::new("gcc");
    probe.arg("-fsanitize=address").arg(&source).arg("-o").arg(scratch().join("sanitizer"));
    found("AddressSanitizer (libasan)", &mut probe)
}
