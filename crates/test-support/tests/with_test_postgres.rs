//! The program around a test run: a server for the command, and none after it.

use std::process::{Command, Output};

fn with_test_postgres(command: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_with-test-postgres")).args(command).output().expect("it can be run")
}

#[test]
fn command_gets_a_server_that_ends_with_it() {
    let script = r#"url="$REVAER_TEST_DATABASE_URL"; host="${url#*host=}"; ls -a "${host%%&*}"; echo "${host%%&*}"; exit 7"#;
    let output = with_test_postgres(&["sh", "-c", script]);
    assert_eq!(output.status.code(), Some(7), "the exit code is the command's");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains(".s.PGSQL.5432"), "{said}");
    let socket_dir = said.lines().last().unwrap();
    assert!(!std::path::Path::new(socket_dir).exists(), "{socket_dir} is gone with the server");
}

#[test]
fn termination_reaches_the_command_first() {
    let script = "trap 'echo told; exit 3' TERM; kill -TERM $PPID; while :; do sleep 0.05; done";
    let output = with_test_postgres(&["sh", "-c", script]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "told\n");
}

#[test]
fn command_that_does_not_exist_is_named() {
    let output = with_test_postgres(&["no-such-command"]);
    assert_eq!(output.status.code(), Some(127));
    assert!(String::from_utf8(output.stderr).unwrap().contains("no-such-command"));
}
