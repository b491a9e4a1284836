//! What the nodes of each grammar mean here.

use super::grammar::Grammar;

/// What a node means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Comment,
    /// With quotes around it.
    String,
    /// Code inserted into a string.
    Inserted,
    /// Statements between braces.
    Block,
    /// Statements without braces of their own.
    Statements,
    /// Statements that are indented below a head.
    Suite,
    Attribute,
    Function,
    Method,
    Macro,
    Module,
    Class,
    /// What stands between a macro's brackets.
    Tokens,
    Error,
    Other,
}

pub(super) fn meaning(grammar: Grammar, kind: &str) -> Meaning {
    if kind == "ERROR" {
        return Meaning::Error;
    }
    match grammar {
        Grammar::Rust => rust(kind),
        Grammar::Go => go(kind),
        Grammar::Python => python(kind),
    }
}

fn rust(kind: &str) -> Meaning {
    match kind {
        "line_comment" | "block_comment" => Meaning::Comment,
        "string_literal" | "raw_string_literal" | "char_literal" => Meaning::String,
        "block" | "declaration_list" | "match_block" => Meaning::Block,
        "source_file" => Meaning::Statements,
        "attribute_item" => Meaning::Attribute,
        "function_item" => Meaning::Function,
        "macro_definition" => Meaning::Macro,
        "mod_item" => Meaning::Module,
        "token_tree" => Meaning::Tokens,
        _ => Meaning::Other,
    }
}

fn go(kind: &str) -> Meaning {
    match kind {
        "comment" => Meaning::Comment,
        "interpreted_string_literal" | "raw_string_literal" | "rune_literal" => Meaning::String,
        "block" | "expression_switch_statement" | "type_switch_statement" | "select_statement" => Meaning::Block,
        "source_file" | "statement_list" => Meaning::Statements,
        "function_declaration" => Meaning::Function,
        "method_declaration" => Meaning::Method,
        _ => Meaning::Other,
    }
}

fn python(kind: &str) -> Meaning {
    match kind {
        "comment" => Meaning::Comment,
        "string" => Meaning::String,
        "interpolation" | "format_expression" => Meaning::Inserted,
        "block" => Meaning::Suite,
        "module" | "decorated_definition" => Meaning::Statements,
        "decorator" => Meaning::Attribute,
        "function_definition" => Meaning::Function,
        "class_definition" => Meaning::Class,
        _ => Meaning::Other,
    }
}
