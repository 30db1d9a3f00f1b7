#include "algorithm_cache.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace halfspace::cuda {
namespace {

namespace fs = std::filesystem;

// Nothing but what `line_of` writes.
bool parse(const std::string& line, std::string& key, AlgorithmChoice& choice) {
  size_t tab = line.find('\t');
  if (tab == 0 || tab == std::string::npos) return false;
  key = line.substr(0, tab);
  std::istringstream numbers(line.substr(tab + 1));
  std::string rest;
  return numbers >> choice.algorithm >> choice.math && !(numbers >> rest) &&
         choice.algorithm >= kNoAlgorithm.algorithm && choice.math >= 0;
}

std::string line_of(const std::string& key, AlgorithmChoice choice) {
  return key + '\t' + std::to_string(choice.algorithm) + ' ' + std::to_string(choice.math) + '\n';
}

}  // namespace

AlgorithmCache::AlgorithmCache(std::string path) : path_(std::move(path)) {
  if (!path_.empty()) read();
}

void AlgorithmCache::read() {
  std::ifstream file(path_);
  size_t damaged = 0;
  std::string line, key;
  for (AlgorithmChoice choice; std::getline(file, line);) {
    if (parse(line, key, choice)) {
      choices_[key] = choice;
    } else {
      ++damaged;
    }
  }
  if (damaged > 0) {
    std::fprintf(stderr, "halfspace: ignored %zu damaged lines of %s\n", damaged, path_.c_str());
  }
}

std::optional<AlgorithmChoice> AlgorithmCache::find(const std::string& key) const {
  auto found = choices_.find(key);
  if (found == choices_.end()) return std::nullopt;
  return found->second;
}

// One short write at the end of the file, so that processes do not tear each other's lines. A file that
// cannot be written costs the next process a search, no more.
void AlgorithmCache::add(const std::string& key, AlgorithmChoice choice) {
  choices_[key] = choice;
  if (path_.empty()) return;
  std::error_code ignored;
  fs::create_directories(fs::path(path_).parent_path(), ignored);
  std::ofstream file(path_, std::ios::app);
  file << line_of(key, choice) << std::flush;
}

std::string algorithm_cache_path() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  if (cache && *cache) return (fs::path(cache) / "halfspace" / "cuda-algorithms").string();
  if (!home || !*home) return "";
  return (fs::path(home) / ".cache" / "halfspace" / "cuda-algorithms").string();
}

}  // namespace halfspace::cuda
