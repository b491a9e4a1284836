//! Maps the node kinds of each grammar to what they mean to the tree walk.

use super::grammar::Grammar;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Comment,
    /// A string with its quotes.
    String,
    /// Content of a string or a regular expression, without quotes.
    Text,
    /// Code interpolated into a string.
    Inserted,
    /// Statements between braces.
    Block,
    /// Statements without braces of their own.
    Statements,
    /// Statements that are indented below a head.
    Suite,
    /// Statements indented below a head.
    Case,
    /// A construct whose body may be a statement without braces.
    Head,
    Attribute,
    Function,
    Method,
    Macro,
    Module,
    Class,
    /// A variable, whose value may be a function.
    Variable,
    Call,
    /// An expression that a call may be wrapped in and still count as a statement.
    Around,
    /// The tokens between a macro's brackets.
    Tokens,
    Error,
    Other,
}

impl Meaning {
    /// Whether a call directly inside counts as a statement.
    pub(super) fn is_around_calls(self) -> bool {
        matches!(self, Self::Around | Self::Call)
    }
}

pub(super) fn meaning(grammar: Grammar, kind: &str) -> Meaning {
    if kind == "ERROR" {
        return Meaning::Error;
    }
    match grammar {
        Grammar::Rust => rust(kind),
        Grammar::Go => go(kind),
        Grammar::Python => python(kind),
        Grammar::JavaScript | Grammar::TypeScript | Grammar::Tsx => javascript(kind),
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

fn javascript(kind: &str) -> Meaning {
    match kind {
        "comment" | "html_comment" | "hash_bang_line" => Meaning::Comment,
        "string" | "template_string" => Meaning::String,
        "regex_pattern" | "jsx_text" => Meaning::Text,
        "template_substitution" => Meaning::Inserted,
        "statement_block" | "class_body" | "switch_body" => Meaning::Block,
        "program" => Meaning::Statements,
        "switch_case" | "switch_default" => Meaning::Case,
        "if_statement" | "else_clause" | "for_statement" | "for_in_statement" | "while_statement" | "do_statement" => {
            Meaning::Head
        }
        "decorator" => Meaning::Attribute,
        "function_declaration" | "generator_function_declaration" => Meaning::Function,
        "method_definition" => Meaning::Method,
        "class_declaration" | "abstract_class_declaration" => Meaning::Class,
        "variable_declarator" => Meaning::Variable,
        "call_expression" => Meaning::Call,
        "expression_statement"
        | "await_expression"
        | "unary_expression"
        | "arrow_function"
        | "return_statement"
        | "parenthesized_expression"
        | "sequence_expression"
        | "export_statement"
        | "member_expression" => Meaning::Around,
        _ => Meaning::Other,
    }
}
