// The package types only its whole bundle; we take single plugins for their effect.
declare module 'bootstrap-italia/dist/plugins/*';
