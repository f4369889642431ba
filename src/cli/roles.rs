//! `countertop roles`: the matrix that the program itself decides by.

use super::exit::{Exit, Outcome};
use super::output::{self, Table};
use crate::api::permission::Permission;
use crate::api::role::Role;

/// `countertop roles`.
#[derive(Debug, clap::Args)]
pub(super) struct RolesArgs {
    /// As CSV
    #[arg(long)]
    csv: bool,
}

/// Shows the matrix.
pub(super) fn run(args: &RolesArgs) -> Outcome {
    output::say(&if args.csv { csv() } else { table() })?;
    Ok(Exit::Done)
}

fn header() -> Vec<&'static str> {
    std::iter::once("permission").chain(Role::all().iter().map(|role| role.key.as_ref())).collect()
}

fn row(permission: Permission) -> Vec<&'static str> {
    std::iter::once(permission.name()).chain(Role::all().iter().map(|role| role.cell(permission).name())).collect()
}

/// No name and no cell holds a comma or a quote.
fn csv() -> String {
    let rows = Permission::all().map(row);
    std::iter::once(header()).chain(rows).map(|row| row.join(",")).collect::<Vec<_>>().join("\n")
}

fn table() -> String {
    let mut table = Table::new(&header());
    for permission in Permission::all() {
        table.row(row(permission).into_iter().map(str::to_owned));
    }
    table.text()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_csv_is_the_shipped_matrix_without_source_and_greys_out() {
        let matrix = include_str!("../../assets/roles/role-matrix.csv");
        for (ours, shipped) in csv().lines().zip(matrix.lines()) {
            let shipped: Vec<&str> = shipped.split(',').collect();
            let ours: Vec<&str> = ours.split(',').collect();
            assert_eq!(ours[0], shipped[0]);
            assert_eq!(ours[1..], shipped[2..=ours.len()]);
        }
        assert_eq!(csv().lines().count(), matrix.lines().count());
    }
}
