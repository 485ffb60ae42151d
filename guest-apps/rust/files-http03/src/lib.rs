//! Reads and writes files in the 0.3 lane, where its path says: with the standard library, which is WASI 0.2 beneath, and below
//! `/03` with WASI 0.3's own streams.

use guest_support::files;
use guest_support::service;
use guest_support::standard::number;
use wasip3::exports::http::handler::Guest;
use wasip3::filesystem::preopens;
use wasip3::filesystem::types::Descriptor;
use wasip3::filesystem::types::DescriptorFlags;
use wasip3::filesystem::types::ErrorCode as FileError;
use wasip3::filesystem::types::OpenFlags;
use wasip3::filesystem::types::PathFlags;
use wasip3::http::types::ErrorCode;
use wasip3::http::types::Request;
use wasip3::http::types::Response;
use wasip3::wit_stream;

struct Files;

wasip3::http::service::export!(Files);

impl Guest for Files {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let (path, query) = service::target(&request);
        let (status, text) = match path.strip_prefix("/03/") {
            Some(what) => match streams(what, &query).await {
                Ok(text) => (200, text),
                Err(FileError::InsufficientSpace) => (507, "no space".to_owned()),
                Err(error) => (500, format!("{error:?}")),
            },
            None => files::answer(&path, &query),
        };
        Ok(service::text(status, &text))
    }
}

/// In the folder that is seen first.
async fn streams(what: &str, query: &str) -> Result<String, FileError> {
    let folders = preopens::get_directories();
    let (folder, _) = folders.first().ok_or(FileError::NoEntry)?;
    match what {
        "write" => {
            let file = create(folder, "written").await?;
            let (mut writer, bytes) = wit_stream::new();
            let ended = file.write_via_stream(bytes, 0);
            let count = number(query, "bytes", 0) as usize;
            let left = writer.write_all(vec![b'x'; count]).await.len();
            drop(writer);
            ended.await?;
            Ok(format!("written {}", count - left))
        }
        "append" => {
            let file = create(folder, "appended").await?;
            let (mut writer, bytes) = wit_stream::new();
            let ended = file.append_via_stream(bytes);
            writer.write_all(vec![b'x'; number(query, "bytes", 0) as usize]).await;
            drop(writer);
            ended.await?;
            Ok("appended".to_owned())
        }
        "list" => {
            let (entries, ended) = folder.read_directory();
            let entries = entries.collect().await;
            ended.await?;
            let mut names: Vec<String> = entries.into_iter().map(|entry| entry.name).collect();
            names.sort();
            Ok(names.join("\n"))
        }
        "open" => {
            let mut open = Vec::new();
            loop {
                match create(folder, &format!("open-{}", open.len())).await {
                    Ok(file) => open.push(file),
                    Err(error) => return Ok(format!("{} open, then {error:?}", open.len())),
                }
            }
        }
        "enlarge" => {
            create(folder, "large").await?.set_size(number(query, "bytes", 0)).await?;
            Ok("enlarged".to_owned())
        }
        "folders" => {
            for at in 0.. {
                if let Err(error) = folder.create_directory_at(format!("folder-{at}")).await {
                    return Ok(format!("{at} folders, then {error:?}"));
                }
            }
            Ok("endless".to_owned())
        }
        _ => Err(FileError::NoEntry),
    }
}

async fn create(folder: &Descriptor, name: &str) -> Result<Descriptor, FileError> {
    let flags = DescriptorFlags::READ | DescriptorFlags::WRITE;
    folder.open_at(PathFlags::empty(), name.to_owned(), OpenFlags::CREATE, flags).await
}
