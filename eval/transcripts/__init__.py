"""Words with speakers: rules that give each word a speaker, scored by WDER and cpWER."""
