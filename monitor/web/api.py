"""The JSON API behind tokens, with its OpenAPI description. (Being written by another engineer than the pages.)"""
