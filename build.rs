//! Compiles `proto/` without `protoc`: prost for the wire, pbjson for the proto3 JSON mapping.

use std::path::{Path, PathBuf};

use prost_build::Config;
use protox::prost::Message as _;

/// Coded values read any text and keep it, which generated JSON code refuses; `src/message/coded.rs` writes theirs.
const CODED: &[&str] = &[
    "AdjustmentKind",
    "AdjustmentReason",
    "CancelOutcome",
    "Condition",
    "Discrepancy",
    "Disposition",
    "OrderStatus",
    "PostingOutcome",
    "QuantityBasis",
    "Reason",
    "ReceiptState",
    "ReturnKind",
    "ReturnReason",
    "ReturnStatus",
    "SnapshotScope",
    "StockStatus",
    "TrackingStatus",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto");
    let files = proto_files(Path::new("proto/drayline/v1"))?;
    let descriptors = protox::compile(&files, ["proto"])?;
    let mut config = Config::new();
    config.extern_path(".google.protobuf.Timestamp", "::pbjson_types::Timestamp").btree_map(["."]);
    config.compile_fds(descriptors.clone())?;
    let mut json = pbjson_build::Builder::new();
    json.register_descriptors(&descriptors.encode_to_vec())?
        .btree_map(["."])
        .ignore_unknown_fields()
        .exclude(CODED.iter().map(|name| format!(".drayline.v1.{name}")).collect::<Vec<_>>())
        .build(&[".drayline.v1"])?;
    Ok(())
}

fn proto_files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "proto"));
    files.sort();
    Ok(files)
}
