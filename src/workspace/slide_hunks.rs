//! Moves hunks up to the earliest place where they fit.
//!
//! A difference has many forms of the same length. The usual algorithm matches from the end of a file backwards, so
//! that a changed function and a module added below it become one hunk: the brace that closes the module is taken for
//! that of the function. Here a hunk ends where the lines that follow it first occur.

use similar::DiffOp;

/// The same difference with hunks that end as early as possible; `after` are the lines of the new side.
pub(super) fn slid(operations: &[DiffOp], after: &[&[u8]]) -> Vec<DiffOp> {
    let mut told = Vec::new();
    let mut operations = operations.iter().copied().peekable();
    while let Some(change) = operations.next() {
        let next = operations.peek().copied();
        match next.and_then(|next| slide(change, next, after)) {
            Some((pieces, rest)) => {
                operations.next();
                told.extend(pieces);
                told.extend(rest);
            }
            None => told.push(change),
        }
    }
    told
}

/// Cuts `change` and the equal lines after it anew: the early part, the equal lines, and the added rest.
fn slide(change: DiffOp, next: DiffOp, after: &[&[u8]]) -> Option<(Vec<DiffOp>, Option<DiffOp>)> {
    let DiffOp::Equal { old_index, new_index, len } = next else { return None };
    let new = change.new_range();
    // A replacement keeps at least one line; a pure insertion can only be moved as a whole.
    let places = match change {
        DiffOp::Insert { .. } => new.start..new.end.min(new.start + 1),
        DiffOp::Replace { .. } => new.start + 1..new.end,
        DiffOp::Equal { .. } | DiffOp::Delete { .. } => return None,
    };
    let at = places.into_iter().find(|at| after[*at] == after[new_index])?;
    let matching = (0..len.min(new.end - at)).take_while(|next| after[at + next] == after[new_index + next]).count();
    let mut pieces = Vec::new();
    if let DiffOp::Replace { old_index, old_len, new_index, .. } = change {
        pieces.push(DiffOp::Replace { old_index, old_len, new_index, new_len: at - new.start });
    }
    pieces.push(DiffOp::Equal { old_index, new_index: at, len: matching });
    pieces.push(DiffOp::Insert { old_index: old_index + matching, new_index: at + matching, new_len: new.end - at });
    let rest = DiffOp::Equal { old_index: old_index + matching, new_index: new.end + matching, len: len - matching };
    Some((pieces, (len > matching).then_some(rest)))
}
