//! Names under which secrets lie about in projects: files of keys, credentials, states, databases and what tools left of them.
//! They are in no component unless an author names them in `include`.

use std::path::Path;

use anyhow::Context as _;
use ignore::gitignore::Gitignore;
use ignore::gitignore::GitignoreBuilder;

/// Files, in the grammar of `.gitignore`, whatever their case.
const FILES: &[&str] = &[
    // Environments: `.env`, `.env.local`, `prod.env`.
    ".env*",
    "*.env",
    ".flaskenv",
    // Private keys, and stores of them.
    "*.pem",
    "*.key",
    "*.p8",
    "*.p12",
    "*.pfx",
    "*.pkcs8",
    "*.pkcs12",
    "*.jks",
    "*.jceks",
    "*.bks",
    "*.keystore",
    "*.ppk",
    "*.kdb",
    "*.kdbx",
    "*.gpg",
    "*.pgp",
    "*.asc",
    "*.age",
    "*.agekey",
    "*.ovpn",
    "*.keytab",
    "*.keychain",
    "*.keychain-db",
    "*.mobileprovision",
    "id_rsa*",
    "id_dsa*",
    "id_ecdsa*",
    "id_ed25519*",
    "id_xmss*",
    "ssh_host_*_key*",
    "privkey*",
    "private_key*",
    "private-key*",
    "secring.*",
    "wallet.dat",
    // Credentials, by the tools that keep them there.
    ".netrc",
    "_netrc",
    ".pypirc",
    "pip.conf",
    ".npmrc",
    ".yarnrc*",
    ".htpasswd*",
    ".htdigest*",
    ".git-credentials",
    ".gitconfig",
    ".pgpass",
    "pgpass.conf",
    ".my.cnf",
    ".mylogin.cnf",
    ".boto",
    ".s3cfg",
    ".dockercfg",
    ".dockerconfigjson",
    "kubeconfig*",
    "*.kubeconfig",
    ".vault-token",
    ".vault_pass*",
    "vault_pass*",
    "vault-pass*",
    ".databrickscfg",
    ".sentryclirc",
    ".terraformrc",
    "terraform.rc",
    "*.tfstate",
    "*.tfstate.*",
    "*.tfvars",
    "*.tfvars.json",
    "auth.json",
    "token.json",
    "tokens.json",
    "token.pickle",
    "logins.json",
    "client_secret*.json",
    "client-secret*.json",
    "application_default_credentials.json",
    "*service-account*.json",
    "*service_account*.json",
    "*serviceaccount*.json",
    "*firebase-adminsdk*.json",
    "*credentials.json",
    // By what they are called, where they are no code.
    "credentials",
    "credentials.{cfg,conf,csv,ini,json5,properties,toml,txt,xml,yaml,yml}",
    "{secret,secrets}",
    "{secret,secrets}.{cfg,conf,csv,ini,json,json5,properties,toml,txt,xml,yaml,yml}",
    "*.{secret,secrets}",
    "*{-,_,.}{secret,secrets}.{json,toml,yaml,yml}",
    ".secret*",
    "{password,passwords}.{csv,json,txt,yaml,yml}",
    // Databases, with what lies beside them while they are open, and copies.
    "*.sqlite*",
    "*.db",
    "*.db-*",
    "*.db3",
    "*.s3db",
    "*.mdb",
    "*.accdb",
    "*.rdb",
    "*.aof",
    "*.dump",
    "*.pgdump",
    "*.sql.gz",
    "dump.sql",
    "backup.sql",
    "*.bak",
    "*.backup",
    // What programs and people wrote down.
    "*.log",
    ".*_history",
    "*.har",
    "*.pcap",
    "*.pcapng",
    "*.hprof",
    "core.[0-9]*",
    ".Xauthority",
];

/// Folders, with all that is in them.
const FOLDERS: &[&str] = &[
    ".aws/",
    ".azure/",
    ".cargo/",
    ".direnv/",
    ".docker/",
    ".fly/",
    ".gcloud/",
    ".config/",
    ".gem/",
    ".gnupg/",
    ".kube/",
    ".m2/",
    ".netlify/",
    ".oci/",
    ".password-store/",
    ".pip/",
    ".secrets/",
    ".snowsql/",
    ".ssh/",
    ".terraform/",
    ".vercel/",
];

/// The names, ready to be compared with.
#[derive(Clone, Debug)]
pub struct SecretNames {
    files: Gitignore,
    folders: Gitignore,
}

impl SecretNames {
    /// For what lies below `folder`.
    pub fn below(folder: &Path) -> anyhow::Result<SecretNames> {
        Ok(SecretNames { files: rules(folder, FILES)?, folders: rules(folder, FOLDERS)? })
    }

    /// Whether `file`, relative to the folder, is called as secrets are.
    pub fn has(&self, file: &Path) -> bool {
        self.files.matched(file, false).is_ignore()
    }

    /// Whether all that is in `folder`, relative to the folder, is taken for secret.
    pub fn has_folder(&self, folder: &Path) -> bool {
        self.folders.matched(folder, true).is_ignore()
    }
}

fn rules(folder: &Path, globs: &[&str]) -> anyhow::Result<Gitignore> {
    let mut rules = GitignoreBuilder::new(folder);
    rules.case_insensitive(true)?;
    for glob in globs {
        rules.add_line(None, glob).with_context(|| format!("`{glob}` is no pattern of files"))?;
    }
    Ok(rules.build()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What projects had in them when somebody looked.
    pub const DECOYS: &[&str] = &[
        ".env",
        ".env.production",
        "prod.env",
        "config/Local.ENV",
        ".envrc",
        ".git-credentials",
        ".pgpass",
        ".netrc",
        "_netrc",
        ".pypirc",
        "pip.conf",
        ".npmrc",
        ".htpasswd",
        ".my.cnf",
        ".s3cfg",
        ".dockercfg",
        "kubeconfig",
        "kubeconfig.yaml",
        "id_rsa",
        "id_dsa",
        "id_ecdsa",
        "id_ecdsa.pub",
        "id_ed25519_sk",
        "ssh_host_rsa_key",
        "tls/server.pem",
        "tls/server.key",
        "tls/PRIVKEY1.pem",
        "cert.p12",
        "cert.pfx",
        "release.jks",
        "release.keystore",
        "AuthKey_1.p8",
        "putty.ppk",
        "vault.kdbx",
        "backup.gpg",
        "client.ovpn",
        "http.keytab",
        "terraform.tfstate",
        "terraform.tfstate.backup",
        "prod.tfvars",
        "prod.auto.tfvars.json",
        "secrets.json",
        "config/secrets.yml",
        "secret.txt",
        "prod-secrets.yaml",
        "credentials",
        "credentials.json",
        "google-credentials.json",
        "credentials.csv",
        "client_secret_1.apps.json",
        "my-service-account.json",
        "shop-firebase-adminsdk-x.json",
        "auth.json",
        "token.json",
        "passwords.txt",
        ".vault-token",
        "shop.sqlite",
        "shop.sqlite3",
        "shop.sqlite3-wal",
        "shop.db",
        "shop.db-wal",
        "shop.db-shm",
        "dump.rdb",
        "dump.sql",
        "shop.sql.gz",
        "settings.py.bak",
        "debug.log",
        ".bash_history",
        ".psql_history",
        "session.har",
    ];

    #[test]
    fn secrets_are_told_by_their_names() {
        let names = SecretNames::below(Path::new("/app")).unwrap();
        for decoy in DECOYS {
            assert!(names.has(Path::new(decoy)), "{decoy}");
        }
        for folder in [".aws", ".kube", ".docker", "home/.ssh", ".config", ".Azure", ".gnupg"] {
            assert!(names.has_folder(Path::new(folder)), "{folder}");
        }
    }

    #[test]
    fn what_apps_are_made_of_is_none() {
        let names = SecretNames::below(Path::new("/app")).unwrap();
        for file in [
            "app.py",
            "secrets.py",
            "credentials.py",
            "env.py",
            "environment.py",
            "keys.py",
            "key.html",
            "tokens.py",
            "schema.sql",
            "migrations/0001.sql",
            "data.json",
            "manifest.json",
            "static/app.css",
            "static/keyboard.js",
            "static/db.svg",
            "templates/secret.html",
            "templates/password.html",
            "logo.png",
            "locale/de/django.mo",
            "core.py",
            "history.py",
            "requirements.txt",
            "changelog.md",
            "logging.ini",
            "package.json",
            "public.crt",
            "static/token.js",
        ] {
            assert!(!names.has(Path::new(file)), "{file}");
        }
        for folder in ["secrets", "credentials", ".well-known", "config", "static", "env", "auth"] {
            assert!(!names.has_folder(Path::new(folder)), "{folder}");
        }
    }
}
