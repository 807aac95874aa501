#include "certificates.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <stdexcept>

#include "core/address.h"

namespace wgr::ws {
namespace {

template <auto kFree>
struct Free {
  template <typename T>
  void operator()(T* object) const noexcept {
    kFree(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using Memory = std::unique_ptr<BIO, Free<BIO_free>>;

void require(bool claim) {
  if (!claim) throw std::runtime_error("BoringSSL makes no certificate");
}

Key make_key() {
  Key key{EVP_PKEY_new()};
  EC_KEY* const curve = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
  require(curve != nullptr && EC_KEY_generate_key(curve) == 1 &&
          EVP_PKEY_assign_EC_KEY(key.get(), curve) == 1);
  return key;
}

void add_alternative_name(X509* certificate, const std::string& name) {
  const std::string text = (IpAddress::parse(name) ? "IP:" : "DNS:") + name;
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension =
      X509V3_EXT_nconf_nid(nullptr, &context, NID_subject_alt_name, text.c_str());
  require(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

Certificate make_certificate(const CertificateWish& wish, EVP_PKEY* key) {
  Certificate certificate{X509_new()};
  X509* const x509 = certificate.get();
  X509_set_version(x509, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
  X509_gmtime_adj(X509_getm_notBefore(x509), wish.valid_from);
  X509_gmtime_adj(X509_getm_notAfter(x509), wish.valid_until);
  X509_NAME* const subject = X509_get_subject_name(x509);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(wish.name.c_str()), -1, -1, 0);
  X509_set_issuer_name(x509, subject);
  X509_set_pubkey(x509, key);
  add_alternative_name(x509, wish.name);
  require(X509_sign(x509, key, EVP_sha256()) != 0);
  return certificate;
}

std::string text_of(BIO* memory) {
  const std::uint8_t* contents = nullptr;
  std::size_t size = 0;
  require(BIO_mem_contents(memory, &contents, &size) == 1);
  return {reinterpret_cast<const char*>(contents), size};
}

}  // namespace

CertificateFolder::CertificateFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "certificates-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder for certificates");
  path_ = name;
}

CertificateFolder::~CertificateFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

TlsFiles CertificateFolder::make(const CertificateWish& wish) {
  const Key key = make_key();
  const Certificate certificate = make_certificate(wish, key.get());
  const Memory certificate_text{BIO_new(BIO_s_mem())};
  const Memory key_text{BIO_new(BIO_s_mem())};
  require(PEM_write_bio_X509(certificate_text.get(), certificate.get()) == 1);
  std::string passphrase = wish.passphrase;
  require(PEM_write_bio_PKCS8PrivateKey(key_text.get(), key.get(),
                                        passphrase.empty() ? nullptr : EVP_aes_128_cbc(), passphrase.data(),
                                        static_cast<int>(passphrase.size()), nullptr, nullptr) == 1);
  const std::string number = std::to_string(++made_);
  return {.certificate = write("certificate" + number + ".pem", text_of(certificate_text.get())),
          .private_key = write("key" + number + ".pem", text_of(key_text.get())),
          .passphrase = wish.passphrase};
}

std::string CertificateFolder::write(const std::string& name, const std::string& text) const {
  const std::filesystem::path file = path_ / name;
  std::ofstream{file, std::ios::binary} << text;
  return file.string();
}

}  // namespace wgr::ws
