use super::parse::UnparsedReason;
use super::*;

const ALL: [Grammar; 6] =
    [Grammar::Rust, Grammar::Go, Grammar::Python, Grammar::JavaScript, Grammar::TypeScript, Grammar::Tsx];

fn read(text: &str, grammar: Grammar) -> Source {
    parse(text, grammar).expect("it can be read")
}

/// Lists the statements of a text, each after the heads around it.
fn statements(text: &str, grammar: Grammar) -> Vec<String> {
    let found = read(text, grammar).statements(text, 0..text.len());
    let line = |statement: &Statement| {
        let parts = statement.around.iter().chain([&statement.range]).map(|range| &text[range.clone()]);
        parts.collect::<Vec<_>>().join(" > ")
    };
    found.iter().map(line).collect()
}

fn items(text: &str, grammar: Grammar) -> Vec<String> {
    let source = read(text, grammar);
    let names = |item: &Item| {
        let parent = item.parent.map(|at| format!("{}::", source.items[at].name)).unwrap_or_default();
        let attributes = text[item.attributes..item.range.start].trim();
        format!("{attributes} {:?} {parent}{}", item.kind, item.name).trim().to_owned()
    };
    source.items.iter().map(names).collect()
}

fn inside(text: &str, grammar: Grammar) -> (Vec<&str>, Vec<&str>) {
    let source = read(text, grammar);
    let texts = |ranges: &[std::ops::Range<usize>]| ranges.iter().map(|range| &text[range.clone()]).collect::<Vec<_>>();
    (texts(&source.comments), texts(&source.strings))
}

#[test]
fn rust_has_nested_comments_lifetimes_and_raw_strings() {
    let text =
        "/* a /* b */ c */ fn f<'a>(x: &'a str) { g('\"', r##\"a\"#b\"##, b\"c\", br#\"d\"#, 'e', b'f'); } // g\n";
    let (comments, strings) = inside(text, Grammar::Rust);
    assert_eq!(comments, ["/* a /* b */ c */", "// g"]);
    assert_eq!(strings, ["\"", "a\"#b", "c", "d", "e", "f"]);
}

#[test]
fn go_has_raw_strings_and_runes() {
    let (comments, strings) = inside("package a\n\nvar b = []any{`c\\`, '\\'', \"d\\\"\"} // e\n", Grammar::Go);
    assert_eq!((comments, strings), (vec!["// e"], vec!["c\\", "\\'", "d\\\""]));
}

#[test]
fn python_has_strings_of_many_kinds_with_code_in_them() {
    let text = "a = f\"b{c[\"d\"]:>{e}}g\" + r'\\\\' + '''h\"#''' # i\n";
    let (comments, strings) = inside(text, Grammar::Python);
    assert_eq!(comments, ["# i"]);
    assert_eq!(strings, ["b{", "d", ":>{", "}}g", "\\\\", "h\"#"]);
}

#[test]
fn functions_have_attributes_and_what_is_around_them() {
    let text = "#[cfg(test)]\nmod tests {\n    #[test]\n    // Why.\n    #[ignore]\n    fn adds() {}\n    fn helps() {}\n}\nmod other;\nimpl A { fn method() {} }";
    assert_eq!(
        items(text, Grammar::Rust),
        [
            "#[cfg(test)] Module tests",
            "#[test]\n    // Why.\n    #[ignore] Function tests::adds",
            "Function tests::helps",
            "Module other",
            "Function method"
        ]
    );
    let text = "package a\nfunc TestA(t *testing.T) {}\nfunc (s *S) TestB() {}\n";
    assert_eq!(items(text, Grammar::Go), ["Function TestA", "Method TestB"]);
    let text = "@a\n@b(1,\n   2)\nclass C:\n    @d\n    async def e(self): pass\nif f:\n    def g(): pass\n";
    assert_eq!(items(text, Grammar::Python), ["@a\n@b(1,\n   2) Class C", "@d Function C::e", "Function g"]);
}

#[test]
fn functions_in_macros_are_seen_and_those_in_a_macros_definition_belong_to_it() {
    let text =
        "proptest! {\n    #[test]\n    pub(crate) fn adds(a in 0..9, b: Vec<u8>) -> R { assert!(a); if b { c() } }\n}";
    assert_eq!(items(text, Grammar::Rust), ["#[test] Function adds"]);
    let text = "macro_rules! m { ($x:ident) => { #[test] fn $x() {} #[test] fn b() {} }; }";
    assert_eq!(items(text, Grammar::Rust), ["Macro m", "#[test] Function m::b"]);
}

#[test]
fn statements_are_whole_and_know_what_is_around_them() {
    let text = "fn f() {\n    a(1,\n      2);\n    if b { c(D { e: 1 }) } else { g! { h; } }\n    i(|x| { j(); });\n}";
    assert_eq!(
        statements(text, Grammar::Rust),
        [
            "fn f()",
            "fn f() > a(1,\n      2);",
            "fn f() > if b",
            "fn f() > if b > c(D { e: 1 })",
            "fn f() > else",
            "fn f() > else > g!",
            "fn f() > else > g! > h",
            "fn f() > i(|x|",
            "fn f() > i(|x| > j();",
            "fn f() > );",
        ]
    );
    let text = "package a\nfunc f() {\n\tif b := c(); b {\n\t\td([]int{1})\n\t}; e()\n\tswitch g := h(); g {\n\tcase 1:\n\t\ti()\n\t}\n}\n";
    assert_eq!(
        statements(text, Grammar::Go),
        [
            "package a",
            "func f()",
            "func f() > if b := c(); b",
            "func f() > if b := c(); b > d([]int{1})",
            "func f() > e()",
            "func f() > switch g := h(); g",
            "func f() > switch g := h(); g > case 1:",
            "func f() > switch g := h(); g > i()",
        ]
    );
}

#[test]
fn pythons_statements_are_told_by_its_own_rules() {
    let text = "def f():\n    'doc'\n    if a: b; c\n    elif \\\n      d: e\n    else:\n        g(1,\n2)\n    try: h\n    except J: pass\n";
    assert_eq!(
        statements(text, Grammar::Python),
        [
            "def f():",
            "def f(): > 'doc'",
            "def f(): > if a:",
            "def f(): > if a: > b",
            "def f(): > if a: > c",
            "def f(): > elif \\\n      d:",
            "def f(): > elif \\\n      d: > e",
            "def f(): > else:",
            "def f(): > else: > g(1,\n2)",
            "def f(): > try:",
            "def f(): > try: > h",
            "def f(): > except J:",
            "def f(): > except J: > pass",
        ]
    );
}

#[test]
fn javascript_has_regular_expressions_templates_and_jsx() {
    let text = "a = (b) => /`'[/]/.test(b) / 2; c = `d${e[`f`]}'g`; h = <p i=\"j\">it's // k {l}</p>; // m\n";
    for grammar in [Grammar::JavaScript, Grammar::Tsx] {
        let (comments, strings) = inside(text, grammar);
        assert_eq!(comments, ["// m"], "{grammar:?}");
        assert_eq!(strings, ["`'[/]", "d${", "f", "}'g", "j", "it's // k "], "{grammar:?}");
    }
}

#[test]
fn calls_are_items_where_they_are_statements() {
    let text = "describe('a', () => {\n  it.each<B>([1])(`c`, async () => {});\n  f(it('d'));\n  false && it('e');\n});\nit('g', () => {}).timeout(5);\n";
    let found = read(text, Grammar::TypeScript).items;
    let line = |item: &Item| match &item.kind {
        ItemKind::Call { title, arguments, is_curried } => {
            format!("{}: {title:?} {arguments} {is_curried} {:?}", item.name, item.parent)
        }
        _ => String::new(),
    };
    assert_eq!(
        found.iter().map(line).collect::<Vec<_>>(),
        [
            "describe: Some(\"a\") 2 false None",
            "it.each: Some(\"c\") 2 true Some(0)",
            "it.each: None 1 false Some(1)",
            "f: None 1 false Some(0)",
            "it: Some(\"g\") 2 false None",
        ]
    );
}

#[test]
fn functions_of_javascript_may_be_variables_and_methods() {
    let text = "@a\nexport class B<C> {\n  @d('e')\n  f(): void {}\n}\nconst g = (h: I) => {}, j = function* () {};\nasync function k<L>() {}\n";
    assert_eq!(
        items(text, Grammar::Tsx),
        ["@a\nexport Class B", "@d('e')\n  Method B::f", "Function g", "Function j", "Function k"]
            .map(|it| it.replace("\n  M", " M"))
    );
}

#[test]
fn a_statement_without_braces_and_one_around_a_block_are_whole() {
    let text = "if (a) b(); else if (c) d(); else e();\nfor (let f = 0; f < 1; f++) g();\nswitch (h) { case 1: i(); }\nj(k.map((l) => { m(); })).n(1)\n";
    let source = read(text, Grammar::JavaScript);
    let found = source.statements(text, 0..text.len());
    let line = |statement: &Statement| {
        let heads = statement.around.iter().map(|range| format!("{} > ", &text[range.clone()]));
        let before = statement.before.iter().map(|range| format!("{}…", &text[range.clone()]));
        [heads.chain(before).collect(), text[statement.range.clone()].to_owned()].concat()
    };
    assert_eq!(
        found.iter().map(line).collect::<Vec<_>>(),
        [
            "if (a)",
            "if (a) > b();",
            "else if (c)",
            "else if (c) > d();",
            "else",
            "else > e();",
            "for (let f = 0; f < 1; f++)",
            "for (let f = 0; f < 1; f++) > g();",
            "switch (h)",
            "switch (h) > case 1:",
            "switch (h) > i();",
            "j(k.map((l) =>",
            "j(k.map((l) => > m();",
            "j(k.map((l) =>…)).n(1)",
        ]
    );
}

#[test]
fn blocks_nested_deeper_than_anybody_writes_are_too_hard() {
    let nested = |depth: usize| ["fn f() ", &"{".repeat(depth), &"}".repeat(depth)].concat();
    assert!(parse(&nested(60), Grammar::Rust).is_ok());
    assert_eq!(parse(&nested(70), Grammar::Rust).map(|_| ()), Err(UnparsedReason::TooHard));
}

#[test]
fn closures_in_a_macros_parentheses_hold_statements() {
    let text = "fn f() { check!(|(a in 0..9)| { b!(a); c!(D { a }); }); }";
    assert_eq!(
        statements(text, Grammar::Rust),
        [
            "fn f()",
            "fn f() > check!(|(a in 0..9)|",
            "fn f() > check!(|(a in 0..9)| > b!(a)",
            "fn f() > check!(|(a in 0..9)| > c!(D { a })",
            "fn f() > );"
        ]
    );
}

#[test]
fn what_is_no_code_of_the_language_is_unreadable() {
    for grammar in ALL {
        let prose = "Once upon a time, there was: a (parser! that } read ] prose. It 'couldn't.\n".repeat(40);
        assert_eq!(parse(&prose, grammar).map(|_| ()), Err(UnparsedReason::MostlyErrors), "{grammar:?}");
        let large = "// a comment\n".repeat(700_000);
        assert_eq!(parse(&large, grammar).map(|_| ()), Err(UnparsedReason::TooLarge), "{grammar:?}");
    }
}

/// Fragments that have made parsers of this kind loop or recurse too deeply.
const HOSTILE: [&str; 14] =
    ["f(", "/* ", "\"", "`", "r#\"", "'", "!{", "fn a(){", "if a {", "<", "|", "a.b(", "é\0", "${"];

#[test]
fn hostile_texts_come_to_an_end() {
    for grammar in ALL {
        for piece in HOSTILE {
            let _ = parse(&piece.repeat(1_000), grammar);
        }
        for (open, close) in [("(", ")"), ("[", "]"), ("{", "}")] {
            let _ = parse(&open.repeat(100_000), grammar);
            let _ = parse(&["fn f() { ", &open.repeat(50_000), &close.repeat(50_000), " }"].concat(), grammar);
        }
    }
}

#[test]
fn a_text_that_is_gone_over_again_and_again_is_too_hard() {
    assert_eq!(parse(&"/* ".repeat(100_000), Grammar::Go).map(|_| ()), Err(UnparsedReason::TooHard));
}

#[test]
fn long_comments_are_not() {
    let text = ["x = 1\n", &"# what is to be known of it\n".repeat(1_500), "def f():\n    pass\n"].concat();
    assert_eq!(items(&text, Grammar::Python), ["Function f"]);
}

#[test]
fn what_a_grammar_does_not_know_yet_hides_nothing_else() {
    let text =
        "package a\nfunc TestA(t *T) {\n\tb()\n}\nfunc (c C[D]) e[F any](g G) {}\nfunc TestH(t *T) {\n\ti()\n}\n"
            .repeat(9);
    let found = items(&text, Grammar::Go);
    for name in ["Function TestA", "Function TestH"] {
        assert_eq!(found.iter().filter(|item| *item == name).count(), 9, "{found:?}");
    }
}

/// What becomes of each closure that may never be run.
fn fates(grammar: Grammar, text: &str) -> Vec<Fate> {
    parse(text, grammar).unwrap().deferred.into_iter().map(|deferred| deferred.fate).collect()
}

#[test]
fn it_is_known_what_becomes_of_a_closure() {
    let named = |name: &str| vec![Fate::Named(name.to_owned())];
    let in_rust = |body: &str| fates(Grammar::Rust, &format!("fn f() {{ {body} }}"));
    assert_eq!(in_rust("let later = async { g() };"), named("later"));
    assert_eq!(in_rust("let handle = thread::spawn(|| g());"), named("handle"));
    assert_eq!(in_rust("rows.iter().map(|row| g(row)).rev();"), [Fate::Discarded]);
    assert_eq!(in_rust("thread::spawn(|| g()).join().unwrap(); rows.for_each(|row| g(row)); (|| g())();"), []);
    let in_script = |body: &str| fates(Grammar::TypeScript, &format!("it('x', async () => {{ {body} }});"));
    assert_eq!(in_script("return [() => g()];"), [Fate::Returned]);
    assert_eq!(in_script("load().then(() => g()).catch(h);"), [Fate::Discarded]);
    assert_eq!(in_script("(async () => g())();"), [Fate::Discarded]);
    assert_eq!(in_script("await load().then(() => g()); (() => g())(); rows.map(() => g());"), []);
    let in_go = |body: &str| fates(Grammar::Go, &format!("package a\nfunc f() {{ {body} }}\n"));
    assert_eq!(in_go("go func() { g() }()"), [Fate::Goroutine]);
    assert_eq!(in_go("var check = func() { g() }"), named("check"));
    assert_eq!(in_go("func() { g() }(); defer func() { g() }(); t.Run(\"a\", func() { g() })"), []);
    let in_python = |body: &str| fates(Grammar::Python, &format!("def f():\n    {body}\n"));
    assert_eq!(in_python("(g(row) for row in rows)"), [Fate::Discarded]);
    assert_eq!(in_python("return lambda: g()"), [Fate::Returned]);
    assert_eq!(in_python("all(g(row) for row in rows); sorted(rows, key=lambda row: g(row))"), []);
}

#[test]
fn a_generator_is_known_by_a_yield_of_its_own() {
    let lines = |text: &str| parse(text, Grammar::Python).unwrap().generators;
    assert_eq!(lines("def f():\n    if False:\n        yield\n"), [(0, 31)]);
    assert_eq!(lines("def f():\n    def g():\n        yield 1\n    return g\n"), [(13, 30)]);
    assert_eq!(parse("it('x', function* () {});", Grammar::JavaScript).unwrap().generators, [(0, 8)]);
}
