//! Plain-text tables with headings.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use super::sanitise;

/// Formats `rows` under `headings`, one line each. A heading that begins with a space marks a column of numbers, which
/// is aligned right. Cells are sanitised and never cut.
#[must_use]
pub fn table(headings: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(headings.iter().map(|heading| heading.trim_start()));
    for row in rows {
        table.add_row(row.iter().map(|cell| one_line(cell)).collect::<Vec<_>>());
    }
    for (place, heading) in headings.iter().enumerate() {
        let Some(column) = table.column_mut(place) else { continue };
        column.set_padding((0, 2));
        if heading.starts_with(' ') {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let lines = table.lines().map(|line| line.trim_end().to_owned() + "\n");
    lines.collect()
}

fn one_line(text: &str) -> String {
    sanitise(text).replace(['\n', '\t'], " ")
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn wide_characters_keep_their_columns_and_control_characters_do_nothing() {
        let rows = [["a", "1", "übergrößen"], ["日本", "23", "x\ny\u{1b}[31m"]];
        let rows = rows.map(|row| row.map(str::to_owned).to_vec()).to_vec();
        insta::assert_snapshot!(table(&["name", " n", "words"], rows), @r"
        name   n  words
        a      1  übergrößen
        日本  23  x y
        ");
    }
}
