//! Real doors on a real port, over a real transport and store.

use std::path::Path;

/// A Dynamics environment and a warehouse, whose secrets lie in one file each.
pub fn sections(warehouse_secret: &Path) -> String {
    let folder = warehouse_secret.parent().unwrap();
    let dynamics_secret = folder.join("dynamics-secret");
    std::fs::write(&dynamics_secret, "contoso-secret-1").unwrap();
    format!(
        "[dynamics.contoso]\nkind = \"finance_operations\"\nurl = \"https://d.example\"\ntoken_url = \"https://t.example\"\n\
         client_id = \"c\"\nclient_secret = \"file:{dynamics}\"\nsecrets = [\"file:{dynamics}\"]\nlegal_entities = [\"usmf\"]\n\
         [warehouses.north]\nconnector = \"standard\"\nurl = \"https://north.example\"\ntoken = \"file:{dynamics}\"\n\
         secrets = [\"file:{warehouse}\"]\ndynamics = \"contoso\"\nlocations = {{ \"24\" = \"NORTH-1\" }}\n",
        dynamics = dynamics_secret.display(),
        warehouse = warehouse_secret.display()
    )
}
