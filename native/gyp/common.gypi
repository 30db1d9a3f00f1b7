# Stands in for the one that comes with Node's headers, so that node-gyp needs no download.
{
  'target_defaults': {
    'default_configuration': 'Release',
    'configurations': { 'Release': {}, 'Debug': {} },
  },
}
