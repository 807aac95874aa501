// Certificates made while a test runs, in PEM files of a folder of its own.
#pragma once

#include <filesystem>
#include <string>

#include "ws/config.h"

namespace wgr::ws {

struct CertificateWish {
  std::string name = "localhost";  // subject and only alternative name; an address is one as such
  long valid_from = -3600;         // seconds from the present
  long valid_until = 86400;
  std::string passphrase;  // of the key file; empty: none
};

// Removes its files when it goes.
class CertificateFolder {
 public:
  CertificateFolder();
  ~CertificateFolder();
  CertificateFolder(const CertificateFolder&) = delete;
  CertificateFolder& operator=(const CertificateFolder&) = delete;

  // Self-signed, with a key of its own (P-256).
  TlsFiles make(const CertificateWish& wish = {});
  std::string write(const std::string& name, const std::string& text) const;

 private:
  std::filesystem::path path_;
  int made_ = 0;
};

}  // namespace wgr::ws
