#include "journal.h"

#include <cstdio>
#include <cstdlib>

namespace halfspace::emulated {
namespace {

// Each line is on disk before the call goes on, however the process ends.
std::FILE* open_journal() {
  const char* path = std::getenv("HALFSPACE_EMULATED_CUDA_JOURNAL");
  if (!path) return nullptr;
  std::FILE* file = std::fopen(path, "a");
  if (!file) {
    std::fprintf(stderr, "HALFSPACE_EMULATED_CUDA_JOURNAL: cannot write %s\n", path);
    std::exit(1);
  }
  std::setvbuf(file, nullptr, _IOLBF, BUFSIZ);
  return file;
}

}  // namespace

void note(std::initializer_list<std::string> words) {
  static std::FILE* journal = open_journal();
  if (!journal) return;
  std::string line;
  for (const std::string& word : words) line += line.empty() ? word : ' ' + word;
  std::fprintf(journal, "%s\n", line.c_str());
}

}  // namespace halfspace::emulated
