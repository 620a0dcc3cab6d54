//! Compile errors point at the field and say what to do.

/// They are worded by the compiler in part: looked at with the release that the project is built with.
#[test]
fn errors_point_at_the_field() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/*.rs");
}
