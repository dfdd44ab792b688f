//! Spark's documented function examples get Spark's column names and types.

use super::analyze;
use super::catalog::Catalog;

#[test]
fn function_examples_have_sparks_schemas() {
    let Some(file) = super::spark_files::find("spark-functions/examples.jsonl") else {
        return;
    };
    let text = std::fs::read_to_string(file).unwrap();
    let catalog = Catalog::default();
    let (mut good, mut all) = (0, 0);
    for line in text.lines() {
        let field = |key: &str| -> Option<String> {
            let start = line.find(&format!("\"{key}\": \""))? + key.len() + 5;
            let mut out = String::new();
            let mut chars = line[start..].chars();
            while let Some(c) = chars.next() {
                match c {
                    '"' => return Some(out),
                    '\\' => match chars.next()? {
                        'n' => out.push('\n'),
                        't' => out.push('\t'),
                        'u' => {
                            let hex: String = chars.by_ref().take(4).collect();
                            out.push(char::from_u32(u32::from_str_radix(&hex, 16).ok()?).unwrap_or('?'));
                        }
                        c => out.push(c),
                    },
                    c => out.push(c),
                }
            }
            None
        };
        let (Some(sql), Some(schema)) = (field("sql"), field("schema")) else {
            continue;
        };
        if !schema.starts_with("struct<") || schema == "struct<>" {
            continue;
        }
        all += 1;
        let ours = match analyze(&sql, &catalog) {
            Ok(plan) => plan.schema().simple_string(),
            Err(e)
                if matches!(
                    e.condition(),
                    "UNRESOLVED_ROUTINE" | "UNRESOLVABLE_TABLE_VALUED_FUNCTION"
                ) =>
            {
                all -= 1;
                continue;
            }
            Err(e) => e.to_string(),
        };
        if ours == schema {
            good += 1;
        } else {
            println!("{sql}\n   want {schema}\n   have {ours}");
        }
    }
    println!("{good} of {all} schemas are Spark's");
    assert!(good * 100 >= all * 92);
}
