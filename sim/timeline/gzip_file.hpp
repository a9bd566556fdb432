// A text file that appears whole or not at all, compressed when its name ends in ".gz". The
// compressed bytes carry neither name nor time, so that the same text is the same file.
#pragma once

#include "timeline/partial_file.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

struct gzFile_s;

namespace orrery {

class GzipFile {
 public:
  /// Throws OutputError, as all of this do.
  explicit GzipFile(const std::filesystem::path& path);

  void write(std::string_view text);
  /// Gives the file its name; without it nothing is left.
  void close();

 private:
  struct Discard {
    void operator()(gzFile_s* file) const;
  };

  void flush();

  PartialFile place_;
  std::unique_ptr<gzFile_s, Discard> file_;
  std::string buffer_;
};

}  // namespace orrery
